import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, it } from 'mocha';

import { Appliance } from '../../../../hwtest/backends/appliance.ts';
import { askJson, enrolAgent } from '../../../../hwtest/backends/control.ts';

const kudurru = fileURLToPath(new URL('../../../cli/kudurru.ts', import.meta.url));
const fileServer = fileURLToPath(
  new URL('../../../../node_modules/.bin/mcp-server-filesystem', import.meta.url),
);

/** Keys are made in a software TPM, and the daemon starts twice. */
const slow = 180_000;

interface Hit {
  readonly sessionIndex: number;
  readonly sequence: number;
  readonly envelope: { readonly kind: string };
}

describe('mcp proxy and the daemon', () => {
  it('goes on in its session after kill -9 of the daemon, and loses nothing', async function () {
    this.timeout(slow);
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-restart-'));
    const appliance = await Appliance.prepare(join(folder, 'state'));
    try {
      const daemon = await appliance.start();
      const { agentId, key } = await enrolAgent(appliance.controlSocket, 'clerk');
      const keyFile = join(folder, 'key.pem');
      writeFileSync(keyFile, key.exportPem(), { mode: 0o600 });
      const scratch = join(folder, 'scratch');
      mkdirSync(scratch);
      const path = join(scratch, 'a.txt');
      const identity = ['--agent', agentId, '--key', keyFile, '--state', appliance.state];
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [
          ...[kudurru, 'mcp', ...identity, '--wait', '120'],
          ...['--', process.execPath, fileServer, scratch],
        ],
        stderr: 'ignore',
      });
      const client = new Client({ name: 'test', version: '1' });
      await client.connect(transport);
      const write = (content: string) =>
        client.callTool({ name: 'write_file', arguments: { path, content } }, undefined, {
          timeout: slow,
        });
      await write('before');
      await daemon.kill();
      // It waits: nothing can be committed, so nothing is forwarded.
      const during = write('during');
      await appliance.start();
      await during;
      assert.equal(readFileSync(path, 'utf8'), 'during');
      await write('after');
      await client.close();
      const { hits } = await askJson<{ hits: Hit[] }>(
        appliance.controlSocket,
        '/v1/search?operation=tools/call',
      );
      assert.deepEqual(
        hits.toReversed().map(({ sequence, envelope }) => [sequence, envelope.kind]),
        [
          [0, 'intent'],
          [1, 'outcome'],
          [2, 'intent'],
          [3, 'outcome'],
          [4, 'intent'],
          [5, 'outcome'],
        ],
      );
      assert.equal(new Set(hits.map(({ sessionIndex }) => sessionIndex)).size, 1);
    } finally {
      await appliance.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
