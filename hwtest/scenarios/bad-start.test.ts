import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { connect } from '@kudurru/agent';
import { after, afterEach, before, describe, it } from 'mocha';

import type { DaemonOptions } from '../backends/appliance.ts';
import type { EnrolledAgent } from '../backends/control.ts';
import { startSwtpm } from '../backends/swtpm.ts';
import {
  checkFiles,
  makeScratchFolder,
  Scenario,
  scenarioTimeoutMs,
  someAction,
} from './scenario.ts';

/** `nobody` of Debian. */
const otherUid = 65_534;
const refused = 1;
const wrongUse = 2;
const checkout = fileURLToPath(new URL('../..', import.meta.url));
/** Why the start as another user cannot be tried here; empty where it can. */
const notAsOther = whyNotAsOther();

describe('bad starts', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let scratch: string;

  before(async () => {
    scratch = makeScratchFolder();
    scenario = await Scenario.start();
    enrolled = await scenario.enrol('honest');
    await act();
    await scenario.appliance.daemon.stop();
  });
  after(async () => {
    await scenario.end();
    rmSync(scratch, { recursive: true });
  });
  afterEach('the ledger is as it was', async () => {
    await checkFiles(scenario.appliance.state);
  });

  it('refuses the socket path that is too long: socket-path-too-long', async () => {
    const long = join(scratch, 'a'.repeat(108));
    await requireRefused({ flags: ['--agent-socket', long] }, /socket-path-too-long/u);
    await requireRefused({ flags: ['--control-socket', long] }, /socket-path-too-long/u);
  });

  it('refuses a socket path where no socket can be: socket-unusable', () =>
    requireRefused({ flags: ['--agent-socket', '/proc/agent.sock'] }, /socket-unusable/u));

  it('refuses a state folder that cannot be made: state-folder-unusable', () =>
    requireRefused({ flags: ['--state', '/proc/kudurru'] }, /state-folder-unusable/u));

  it('refuses a state folder that others can enter: state-folder-unusable', async () => {
    const state = join(scratch, 'open');
    mkdirSync(state, { mode: 0o755 });
    chmodSync(state, 0o755);
    await requireRefused({ flags: ['--state', state] }, /state-folder-unusable.*chmod 700/u);
  });

  it(`refuses a state folder that is not writable${notAsOther}`, async function () {
    if (notAsOther !== '') this.skip();
    const state = join(scratch, 'closed');
    mkdirSync(state, { mode: 0o500 });
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      chmodSync(scratch, 0o755);
      chownSync(state, otherUid, otherUid);
    }
    const as = isRoot ? { uid: otherUid } : {};
    await requireRefused({ flags: ['--state', state], ...as }, /state-folder-unusable.*EACCES/u);
  });

  it('refuses a state folder that another daemon uses: state-folder-locked', async () => {
    const first = await scenario.appliance.start();
    await requireRefused({}, new RegExp(`state-folder-locked.*process ${first.pid}`, 'u'));
    await act();
    await first.stop();
  });

  it('refuses a setting that it does not know: config-unknown-key', async () => {
    const file = join(scratch, 'config.toml');
    writeFileSync(file, 'colour = "red"\n');
    await requireRefused({ flags: ['--config', file] }, /"colour"/u, wrongUse);
    const environment = { KUDURRU_COLOUR: 'red' };
    await requireRefused({ environment }, /"KUDURRU_COLOUR"/u, wrongUse);
    await requireRefused({ flags: ['--colour', 'red'] }, /--colour/u, wrongUse);
  });

  it('refuses a configuration that is no TOML, or out of range', async () => {
    const file = join(scratch, 'broken.toml');
    writeFileSync(file, 'anchorIntervalMs = \n');
    await requireRefused({ flags: ['--config', file] }, /broken\.toml/u, wrongUse);
    await requireRefused({ flags: ['--anchor-interval-ms', '1'] }, /anchorIntervalMs/u, wrongUse);
  });

  it('refuses to start without its token: device-missing', async () => {
    await requireRefused({ flags: ['--token-label', 'another'] }, /device-missing/u);
    await requireRefused({ flags: ['--pkcs11-module', '/nowhere.so'] }, /device-missing/u);
  });

  it('refuses a token whose PIN is another: device-wrong-pin', async () => {
    const file = join(scratch, 'pin');
    writeFileSync(file, '000000', { mode: 0o600 });
    await requireRefused({ flags: ['--token-pin-file', file] }, /device-wrong-pin/u);
  });

  it('refuses a new ledger on devices that hold the keys of this one', async () => {
    const { state } = scenario.appliance;
    const flags = ['--state', join(scratch, 'new')];
    const devices = {
      tcti: `swtpm:path=${join(state, 'devices/tpm.sock')}`,
      'token-pin-file': join(state, 'devices/token-pin'),
      'softhsm-config': join(state, 'devices/softhsm2.conf'),
    };
    for (const [name, value] of Object.entries(devices)) flags.push(`--${name}`, value);
    await requireRefused({ flags }, /device-holds-another-ledger/u);
  });

  it('refuses to start without its TPM: device-missing', async () => {
    await scenario.appliance.devices.tpm.stop();
    await requireRefused({}, /device-missing/u);
  });

  it('refuses a TPM that is another, and starts when its own is back', async () => {
    const other = await startSwtpm(join(scratch, 'other'));
    await requireRefused(
      { flags: ['--tcti', other.tcti] },
      /device-mismatch.*endorsement key another.*it is another TPM.*the ledger ends here/u,
    );
    await other.stop();
    const own = await startSwtpm(join(scenario.appliance.state, 'devices'));
    const daemon = await scenario.appliance.start();
    await act();
    await daemon.stop();
    await own.stop();
  });

  async function act(): Promise<void> {
    await using agent = await connect({
      socketPath: scenario.appliance.agentSocket,
      ...enrolled,
    });
    await agent.submit([someAction('after all that')]);
  }

  /** It ends by itself, with the reason on its last line. */
  async function requireRefused(
    options: DaemonOptions,
    reason: RegExp,
    code: number = refused,
  ): Promise<void> {
    const daemon = scenario.appliance.launch(options);
    await assert.rejects(daemon.ready, reason);
    assert.deepEqual(await daemon.ended, { code, signal: null });
  }
});

/** Root may write everywhere, so another must try; it must be able to read the program. */
function whyNotAsOther(): string {
  if (process.getuid?.() !== 0) return '';
  for (let folder = checkout; folder !== '/'; folder = dirname(folder)) {
    const isOpen = (statSync(folder).mode & 0o005) === 0o005;
    if (!isOpen) return ` (root cannot try: others cannot read ${folder})`;
  }
  return '';
}
