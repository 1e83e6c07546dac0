/** `age -d -i KEY FILE` for the letters of the provisioning, where the stock tool is not there. */
import { openLetter } from '../backends/operator-letter.ts';

const [, , decrypt, option, key = '', file = ''] = process.argv;
if (decrypt !== '-d' || option !== '-i') throw new Error('use: -d -i KEY FILE');
process.stdout.write(openLetter(file, key));
