import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, it } from 'mocha';

import { findLocations, type LocationInput } from '../../src/base/locations.ts';
import { loadConfiguration } from '../../src/config/load.ts';

describe('locations', () => {
  it('are those of the daemon, whichever way they are given', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-locations-'));
    try {
      const file = join(folder, 'kudurru.toml');
      writeFileSync(file, 'agentSocket = "{state}/from-file.sock"\ncontrolSocket = "here.sock"\n');
      const inputs: Omit<LocationInput, 'currentFolder'>[] = [
        { flags: {}, environment: {} },
        { flags: { state: 'data' }, environment: { KUDURRU_STATE: '/elsewhere' } },
        { flags: {}, environment: { KUDURRU_STATE: '/elsewhere' } },
        { flags: { config: file }, environment: {} },
        { flags: {}, environment: { KUDURRU_CONFIG: file, KUDURRU_AGENT_SOCKET: '/run/a.sock' } },
        {
          flags: { 'control-socket': 'c.sock' },
          environment: { KUDURRU_CONTROL_SOCKET: '/run/c.sock' },
        },
      ];
      for (const input of inputs) {
        const found = findLocations({ ...input, currentFolder: folder });
        const { state, settings } = loadConfiguration({ ...input, currentFolder: folder });
        const { agentSocket, controlSocket } = settings;
        assert.deepEqual(found, { state, agentSocket, controlSocket });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuse a file that is not TOML, and a socket that is no path', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-locations-'));
    try {
      const find = (text: string): unknown => {
        writeFileSync(join(folder, 'c.toml'), text);
        const flags = { config: 'c.toml' };
        return findLocations({ flags, environment: {}, currentFolder: folder });
      };
      assert.throws(() => find('agentSocket ='), { code: 'config-unreadable' });
      assert.throws(() => find('agentSocket = 7'), { code: 'config-invalid' });
      assert.throws(
        () => findLocations({ flags: { config: 'no' }, environment: {}, currentFolder: folder }),
        {
          code: 'config-unreadable',
        },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
