import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { describe, it } from 'mocha';

import { openLog } from '../../src/base/log.ts';
import { prepareProcess, type OwnCalls } from '../../src/compose/own-process.ts';

const able: OwnCalls = {
  readClockSteering: () => ({ result: { isSteered: true, status: 0x2001, maxErrorUs: 1500n } }),
  refuseDumps: () => ({ result: true }),
  readStatus: () => 'Name:\tnode\nCapEff:\t0000000000000000\n',
};

function told(calls: Partial<OwnCalls>): { readonly states: string[]; readonly log: string[] } {
  const lines: string[] = [];
  const log = openLog({ level: 'info', write: (line) => void lines.push(line) });
  const facts = prepareProcess(log, { ...able, ...calls });
  return { states: facts.map(({ name, state }) => `${name}: ${state}`), log: lines };
}

describe('own process', () => {
  it('says what it is', () => {
    const { states, log } = told({});
    assert.deepEqual(states, [
      'memory dumps: refused',
      'system clock: steered, wrong by 1500 us at most, it says',
      'setting the clock: not possible',
    ]);
    assert.equal(log.length, 3);
  });

  it('says what it was refused, and goes on', () => {
    const { states, log } = told({
      readClockSteering() {
        throw new Error('no such library');
      },
      refuseDumps: () => ({ refused: 'prctl: Operation not permitted' }),
      readStatus: () => 'CapEff:\t0000000002000000\n',
    });
    assert.deepEqual(states, [
      'memory dumps: possible: prctl: Operation not permitted',
      'system clock: the kernel does not tell: no such library',
      'setting the clock: possible (CAP_SYS_TIME)',
    ]);
    assert(log.every((line) => line.includes('warning')));
  });

  it('says that nobody steers the clock, and what is not told', () => {
    const { states } = told({
      readClockSteering: () => ({ result: { isSteered: false, status: 64, maxErrorUs: 1n } }),
      readStatus: () => '',
    });
    assert.deepEqual(states.slice(1), [
      'system clock: steered by nobody',
      'setting the clock: not known: /proc/self/status does not tell',
    ]);
  });

  it('is what the kernel then says of the process', () => {
    // In a process of its own: this one's memory may well be dumped.
    const module = new URL('../../src/hardware/backends/libc-calls.ts', import.meta.url).href;
    const program = `
      import { readClockSteering, refuseDumps } from ${JSON.stringify(module)};
      import { readKernelClock } from '@kudurru/native';
      const { result } = readClockSteering();
      const kernel = readKernelClock();
      const dumped = refuseDumps();
      console.log(JSON.stringify([result.status === kernel.status, dumped]));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    assert.deepEqual(
      JSON.parse(stdout.toString() || '[]'),
      [true, { result: true }],
      stderr.toString(),
    );
  });
});
