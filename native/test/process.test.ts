/** What a program gives up, seen by the kernel. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'mocha';

const lib = new URL('../lib/index.ts', import.meta.url).href;
const importing = `const native = await import(${JSON.stringify(lib)});`;

describe('process', () => {
  it('a program without capabilities cannot get them back by executing', () => {
    const program = `${importing} native.dropCapabilities();
      process.execve('/bin/grep', ['grep', '^Cap', '/proc/self/status'], {});`;
    const words = ['--input-type=module', '-e', program];
    const { stdout } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    const held = [...stdout.matchAll(/^(Cap(?:Inh|Prm|Eff)):\t([0-9a-f]+)$/gmu)];
    assert.deepEqual(
      held.map(([, name, bits = '']) => [name, BigInt(`0x${bits}`)]),
      [
        ['CapInh', 0n],
        ['CapPrm', 0n],
        ['CapEff', 0n],
      ],
    );
  });

  it('a program ends with the one that started it, and sees who that is', async () => {
    const child = `${importing}
      process.stdout.write(String(native.dieWithParent(process.ppid)) + process.pid + '\\n');
      setInterval(() => {}, 1000);`;
    const parent = `require('node:child_process')
      .spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(child)}],
        { stdio: ['ignore', 1, 2] });`;
    const started = spawn(process.execPath, ['-e', parent], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(started.stdout, 'data')) as [Buffer];
    assert.match(line.toString(), /^true\d+\n$/u);
    started.kill('SIGKILL');
    // The child holds the other end too: this comes when both are gone.
    await once(started.stdout, 'close');
  });

  it('another parent is not mistaken for its own', () => {
    const program = `${importing} console.log(native.dieWithParent(process.pid));`;
    const words = ['--input-type=module', '-e', program];
    assert.equal(spawnSync(process.execPath, words, { encoding: 'utf8' }).stdout, 'false\n');
  });
});
