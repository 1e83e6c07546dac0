/** A process that owns a lab, for a test that ends it the hard way: it says what belongs to it. */
import { Lab } from './lab.ts';

const lab = await Lab.make();
const grandmaster = await lab.grandmaster({ name: 'grandmaster' });
await grandmaster.start();
process.send?.({ folder: lab.folder, pids: [...lab.pids()] });
// A listener that stays keeps the channel, and so this process, alive until it is killed.
process.on('message', () => undefined);
