import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';

import { isKudurruError, type ErrorCode } from '../../src/base/errors.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { flagOf, SETTING_NAMES, SETTINGS, variableOf, type Row } from '../../src/config/schema.ts';

const roof = '[time.sources.roof]\nline = "/dev/ttyACM0"';
const master = '[time.sources.gm]\nsocket = "/run/ptp4l"';

describe('configuration', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-config-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is the defaults where nothing is given, with absolute paths', () => {
    const { state, settings, sources } = load({});
    assert.equal(state, join(folder, '.kudurru'));
    assert.equal(settings.profile, 'emulated');
    assert.equal(settings.agentSocket, join(folder, '.kudurru', 'agent.sock'));
    assert.equal(settings.tcti, `swtpm:path=${join(folder, '.kudurru')}/devices/tpm.sock`);
    assert.equal(sources.profile, 'default');
  });

  it('takes flags over environment over file', () => {
    const config = file('anchorIntervalMs = 1000\nsessionsMax = 10\norigin = "example.org/log"\n');
    const { settings, sources } = load({
      flags: { config, 'anchor-interval-ms': '3000' },
      environment: { KUDURRU_ANCHOR_INTERVAL_MS: '2500', KUDURRU_SESSIONS_MAX: '20' },
    });
    assert.equal(settings.anchorIntervalMs, 3000);
    assert.equal(settings.sessionsMax, 20);
    assert.equal(settings.origin, 'example.org/log');
    assert.deepEqual(
      [sources.anchorIntervalMs, sources.sessionsMax, sources.origin],
      ['--anchor-interval-ms', 'KUDURRU_SESSIONS_MAX', `"${config}"`],
    );
  });

  it('finds the state folder by flag, then environment', () => {
    const environment = { KUDURRU_STATE: 'by-environment' };
    assert.equal(load({ environment }).state, join(folder, 'by-environment'));
    assert.equal(load({ environment, flags: { state: '/by/flag' } }).state, '/by/flag');
  });

  it('refuses an unknown key and names its neighbours', () => {
    const refusal = refusalOf({ flags: { config: file('anchorIntervalms = 5\n') } });
    assert.equal(refusal.code, 'config-unknown-key');
    assert.match(refusal.message, /did you mean anchorIntervalMs\?/u);
    assert.match(refusal.message, /known are profile, origin/u);
  });

  it('refuses marks in the wrong order', () => {
    for (const [flag, value] of [
      ['disk-low-mib', '1024'],
      ['queue-low-percent', '75'],
      ['agent-queue-mib', '129'],
    ] as const) {
      const refusal = refusalOf({ flags: { [flag]: value } });
      assert.equal(refusal.code, 'config-invalid');
      assert.match(refusal.message, /the first must be (?:below|at most) the second/u);
    }
    assert.equal(load({ flags: { 'agent-queue-mib': '128' } }).settings.agentQueueMib, 128);
  });

  it('refuses an unknown variable', () => {
    const refusal = refusalOf({ environment: { KUDURRU_LOGLEVEL: 'debug' } });
    assert.equal(refusal.code, 'config-unknown-key');
    assert.match(refusal.message, /did you mean KUDURRU_LOG_LEVEL\?/u);
  });

  it('takes levels of time by agent', () => {
    const { time } = load({ flags: { config: file('[time.requireLevel]\ntrader = "LOCKED"\n') } });
    assert.deepEqual(time.requireLevel, { trader: 'LOCKED' });
    assert.deepEqual(load({}).time.requireLevel, {});
  });

  it('takes the place of a source of time', () => {
    const { time } = load({
      flags: { config: file('[time.sources.gm]\nsocket = "/run/ptp4l"\n') },
    });
    const found = { socket: '/run/ptp4l', device: null, intervalMs: 500, allowedUids: [0] };
    assert.deepEqual(time.sources, { gm: { kind: 'ptp', ...found } });
    const withDevice = '[time.sources.gm]\nsocket = "/run/ptp4l"\ndevice = "/dev/ptp0"\n';
    assert.deepEqual(load({ flags: { config: file(withDevice) } }).time.sources, {
      gm: { kind: 'ptp', ...found, device: '/dev/ptp0' },
    });
  });

  it('takes the place of a receiver', () => {
    const placeOf = (text: string): unknown =>
      load({ flags: { config: file(`[time.sources.roof]\n${text}\n`) } }).time.sources['roof'];
    const found = { kind: 'gnss', line: '/dev/ttyACM0', baud: 115_200, pulse: null };
    assert.deepEqual(placeOf('line = "/dev/ttyACM0"'), found);
    assert.deepEqual(placeOf('line = "/dev/ttyACM0"\nbaud = 9600\npulse = "/dev/pps0"'), {
      ...found,
      baud: 9600,
      pulse: '/dev/pps0',
    });
  });

  const bad: readonly (readonly [string, string, ErrorCode])[] = [
    ['a number out of range', 'anchorIntervalMs = 9', 'config-invalid'],
    ['a fraction', 'anchorIntervalMs = 100.5', 'config-invalid'],
    ['text for a number', 'anchorIntervalMs = "2000"', 'config-invalid'],
    ['a profile that is not there', 'profile = "simulated"', 'config-invalid'],
    ['an origin with a space', 'origin = "a b"', 'config-invalid'],
    ['a number for text', 'origin = 5', 'config-invalid'],
    ['a table', '[sockets]\nagent = "x"', 'config-unknown-key'],
    ['an unknown key of time', '[time]\nlevel = "LOCKED"', 'config-unknown-key'],
    ['a source without a place', '[time.sources.gm]\nintervalMs = 20', 'config-invalid'],
    ['an unknown key of a source', '[time.sources.gm]\nport = "/x"', 'config-unknown-key'],
    ['a relative path', '[time.sources.gm]\nsocket = "run/ptp4l"', 'config-invalid'],
    ['a clock that is no path', `${master}\ndevice = "ptp0"`, 'config-invalid'],
    ['a place of two kinds', `${roof}\nsocket = "/run/ptp4l"`, 'config-unknown-key'],
    ['a relative line', '[time.sources.roof]\nline = "ttyACM0"', 'config-invalid'],
    ['a speed that no line has', `${roof}\nbaud = 9601`, 'config-invalid'],
    ['a pulse that is no path', `${roof}\npulse = true`, 'config-invalid'],
    ['an unknown level', '[time.requireLevel]\ntrader = "GOOD"', 'config-invalid'],
    ['no name of an agent', '[time.requireLevel]\n"a b" = "LOCKED"', 'config-invalid'],
    ['what is not TOML', 'anchorIntervalMs', 'config-unreadable'],
  ];
  for (const [what, text, code] of bad) {
    it(`refuses ${what}`, () => {
      assert.equal(refusalOf({ flags: { config: file(text) } }).code, code);
    });
  }

  it('refuses a file that is not there', () => {
    const refusal = refusalOf({ flags: { config: join(folder, 'missing.toml') } });
    assert.equal(refusal.code, 'config-unreadable');
    assert.match(refusal.message, /ENOENT/u);
  });

  it('has defaults within their own range, and a reason for each', () => {
    for (const name of SETTING_NAMES) {
      const row: Row = SETTINGS[name];
      assert.ok(row.meaning !== '' && row.reason !== '', name);
      if (row.kind === 'integer') assert.ok(row.default >= row.min && row.default <= row.max, name);
      else if (row.kind === 'choice') assert.ok(row.choices.includes(row.default), name);
      else assert.match(row.default, row.pattern, name);
    }
    assert.equal(flagOf('anchorIntervalMs'), 'anchor-interval-ms');
    assert.equal(variableOf('pkcs11Module'), 'KUDURRU_PKCS11_MODULE');
  });

  interface Given {
    readonly flags?: Record<string, string>;
    readonly environment?: Record<string, string>;
  }

  function load({ flags = {}, environment = {} }: Given) {
    return loadConfiguration({ flags, environment, currentFolder: folder });
  }

  function refusalOf(given: Given): { code: ErrorCode; message: string } {
    try {
      load(given);
    } catch (error) {
      if (isKudurruError(error)) return error;
      throw error;
    }
    return assert.fail('it was accepted');
  }

  function file(text: string): string {
    const path = join(folder, 'kudurru.toml');
    writeFileSync(path, text);
    return path;
  }
});
