/** The commands of the README's "A box of one's own", as they stand there. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { after, before, describe, it } from 'mocha';

import { handedOver } from '../backends/operator-letter.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { softhsmModule } from '../backends/softhsm.ts';
import { extendPcr } from '../backends/tpm-commands.ts';
import { commandProgram, makeScratchFolder, Scenario, scenarioTimeoutMs } from './scenario.ts';

const readme = fileURLToPath(new URL('../../README.md', import.meta.url));
const letterOpener = fileURLToPath(new URL('open-letter.ts', import.meta.url));

interface Block {
  readonly language: string;
  readonly text: string;
}

describe('README, a box of one’s own', function () {
  this.timeout(4 * scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  let environment: Readonly<Record<string, string>>;
  const [settings, founding, approving] = blocksBelow("## A box of one's own");

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

  async function run(line: string): Promise<void> {
    const [program = '', ...words] = line.split(' ');
    if (program !== 'kudurrud') {
      await promisify(execFile)('bash', ['-ec', line], { cwd: folder, env: environment });
      return;
    }
    const flags = words.map((word) => (word.endsWith('.toml') ? join(folder, word) : word));
    await scenario.appliance.start({ environment, flags });
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
    const isThere = spawnSync('age', ['--version']).error === undefined;
    if (!isThere) program('age', letterOpener);
  }

  function program(name: string, file: string): void {
    const path = join(folder, 'bin', name);
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${file}' "$@"\n`);
    chmodSync(path, 0o755);
  }
});

/** Of the section with this heading. */
function blocksBelow(heading: string): readonly Block[] {
  const text = readFileSync(readme, 'utf8');
  const from = text.indexOf(`${heading}\n`);
  assert(from >= 0, heading);
  const section = text.slice(from, text.indexOf('\n## ', from));
  const blocks = section.matchAll(/^```(\w+)\n(.*?)^```$/gmsu);
  return Array.from(blocks, ([, language = '', code = '']) => ({ language, text: code }));
}

function linesOf(block: Block | undefined): readonly string[] {
  return (block?.text ?? '').split('\n').filter((line) => line !== '');
}
