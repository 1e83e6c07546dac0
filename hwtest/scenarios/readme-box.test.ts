/** The commands of the README's "A box of one's own", as they stand there. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { after, before, describe, it } from 'mocha';

import { handedOver, openLetter } from '../backends/operator-letter.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { softhsmModule } from '../backends/softhsm.ts';
import { extendPcr } from '../backends/tpm-commands.ts';
import { copyDisk } from './old-disk.ts';
import { commandProgram, makeScratchFolder, Scenario, scenarioTimeoutMs } from './scenario.ts';

const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const letterOpener = fileURLToPath(new URL('open-letter.ts', import.meta.url));

const isAgeHere = spawnSync('age', ['--version']).error === undefined;
const withoutAge = isAgeHere ? '' : ': there is no program "age" (Debian package "age")';

interface Block {
  readonly language: string;
  readonly text: string;
}

describe('README, a box of one’s own', function () {
  this.timeout(4 * scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  let environment: Readonly<Record<string, string>>;
  const [settings, founding, approving, recovering] = blocksBelow("## A box of one's own");

  before(async () => {
    folder = makeScratchFolder();
    scenario = await Scenario.prepare('blank');
    prepareOperators();
    preparePrograms();
    const { devices, state } = scenario.appliance;
    // The same settings, but for the devices that are here.
    environment = {
      HOME: folder,
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      KUDURRU_STATE: state,
      KUDURRU_TCTI: devices.tpm.tcti,
      KUDURRU_PKCS11_MODULE: softhsmModule,
    };
  });
  after(async () => {
    await scenario.end();
    rmSync(folder, { recursive: true });
  });

  it('founds a ledger and runs it', async () => {
    assert.deepEqual([settings?.language, founding?.language], ['toml', 'sh']);
    writeFileSync(join(folder, 'kudurru.toml'), settings?.text ?? '');
    for (const line of linesOf(founding)) await run(line);
    const status = await scenario.status();
    assert.deepEqual(status.operators, ['ana', 'ben']);
    assert.equal(status.custody.pin.kind, 'sealed');
    assert.match(readFileSync(join(folder, 'trust.json'), 'utf8'), /"logKey"/u);
  });

  it('has a changed boot approved', async () => {
    await scenario.appliance.daemon.stop();
    const { devices, state } = scenario.appliance;
    await extendPcr(devices.tpm.socketPath, 7, Buffer.alloc(32, 1));
    copyFileSync(handedOver(state, 'boot-approval'), join(folder, 'boot-approval.age'));
    for (const line of linesOf(approving)) await run(line);
    await run('kudurrud --config kudurru.toml');
    assert.equal((await scenario.status()).boot.state, 'approved');
  });

  it('goes on from an older disk by the order of an operator', async () => {
    const { daemon, state } = scenario.appliance;
    await daemon.stop();
    const old = join(folder, 'old');
    copyDisk(state, old);
    await run('kudurrud --config kudurru.toml');
    await scenario.appliance.daemon.stop();
    copyDisk(old, state);
    await assert.rejects(run('kudurrud --config kudurru.toml'), /anchor-contradiction/u);
    for (const line of linesOf(recovering)) await run(line);
    await run('kudurrud --config kudurru.toml');
    assert.equal((await scenario.entriesOf('restore')).length, 1);
  });

  it(`has letters that the stock age opens${withoutAge}`, async function () {
    if (!isAgeHere) this.skip();
    const [, line = ''] = /\((?:`)(age -d -i [^`]+ owner\.age)`\)/u.exec(text) ?? [];
    const handed = handedOver(scenario.appliance.state, 'owner');
    copyFileSync(handed, join(folder, 'owner.age'));
    const letter = await run(line);
    assert.match(letter, /^authorisation {2}hex:[0-9a-f]{64}$/mu);
    assert.equal(letter, openLetter(handed, join(folder, '.ssh/id_ed25519')));
  });

  /** What it wrote to stdout; a daemon goes on running. */
  async function run(line: string): Promise<string> {
    const [program = '', ...words] = line.split(' ');
    if (program !== 'kudurrud') {
      const options = { cwd: folder, env: environment };
      return (await promisify(execFile)('bash', ['-ec', line], options)).stdout;
    }
    const flags = words.map((word) => (word.endsWith('.toml') ? join(folder, word) : word));
    await scenario.appliance.start({ environment, flags });
    return '';
  }

  function prepareOperators(): void {
    mkdirSync(join(folder, '.ssh'), { mode: 0o700 });
    makeOperatorKey(join(folder, '.ssh'), 'id_ed25519');
    copyFileSync(join(folder, '.ssh/id_ed25519.pub'), join(folder, 'ana.pub'));
    makeOperatorKey(folder, 'ben', 'ecdsa');
  }

  function preparePrograms(): void {
    mkdirSync(join(folder, 'bin'));
    program('kudurru', commandProgram);
    if (!isAgeHere) program('age', letterOpener);
  }

  function program(name: string, file: string): void {
    const path = join(folder, 'bin', name);
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${file}' "$@"\n`);
    chmodSync(path, 0o755);
  }
});

/** Of the section with this heading. */
function blocksBelow(heading: string): readonly Block[] {
  const from = text.indexOf(`${heading}\n`);
  assert(from >= 0, heading);
  const section = text.slice(from, text.indexOf('\n## ', from));
  const blocks = section.matchAll(/^```(\w+)\n(.*?)^```$/gmsu);
  return Array.from(blocks, ([, language = '', code = '']) => ({ language, text: code }));
}

function linesOf(block: Block | undefined): readonly string[] {
  return (block?.text ?? '').split('\n').filter((line) => line !== '');
}
