import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { generateKey } from '@kudurru/agent';
import { decodeEntry, decodeEnvelope, type Envelope } from '@kudurru/proof';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, it } from 'mocha';

import { LedgerServer } from '../../../agent/test/ledger-server.ts';

const kudurru = fileURLToPath(new URL('../../../cli/kudurru.ts', import.meta.url));
const fileServer = fileURLToPath(
  new URL('../../../../node_modules/.bin/mcp-server-filesystem', import.meta.url),
);

interface Session {
  readonly ledger: LedgerServer;
  readonly client: Client;
  readonly scratch: string;
  readonly stderr: () => string;
}

/** A ledger, and a file with the key of its agent. */
async function withLedger(
  run: (ledger: LedgerServer, identity: readonly string[]) => Promise<void>,
): Promise<void> {
  const key = generateKey();
  await using ledger = new LedgerServer(key.publicKey);
  await ledger.listen();
  const keyFile = join(ledger.folder, 'key.pem');
  writeFileSync(keyFile, key.exportPem(), { mode: 0o600 });
  const agent = ['--agent', 'spiffe://test.example/agent/one', '--key', keyFile];
  await run(ledger, [...agent, '--state', ledger.folder]);
}

/** The official client and the unmodified file server, with the recording proxy between them. */
async function withSession(run: (session: Session) => Promise<void>): Promise<void> {
  await withLedger(async (ledger, identity) => {
    const scratch = join(ledger.folder, 'scratch');
    mkdirSync(scratch);
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [kudurru, 'mcp', ...identity, '--', process.execPath, fileServer, scratch],
      stderr: 'pipe',
    });
    let stderr = '';
    transport.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(transport);
    try {
      await run({ ledger, client, scratch, stderr: () => stderr });
    } finally {
      await client.close();
    }
  });
}

function envelopesIn({ entries }: LedgerServer): Envelope[] {
  return entries
    .map(decodeEntry)
    .flatMap((entry) => (entry.kind === 'action' ? [decodeEnvelope(entry.envelope)] : []));
}

describe('mcp session', () => {
  it('records every call of a real client to a real server, and changes none', async () => {
    await withSession(async ({ ledger, client, scratch }) => {
      await client.listTools();
      const path = join(scratch, 'a.txt');
      const call = (name: string, parameters: Record<string, unknown>) =>
        client.callTool({ name, arguments: parameters });
      await call('write_file', { path, content: 'first draft' });
      await call('edit_file', { path, edits: [{ oldText: 'draft', newText: 'version' }] });
      const outside = await call('read_text_file', { path: '/etc/hostname' });
      assert.equal(outside.isError, true);
      assert.equal(readFileSync(path, 'utf8'), 'first version');
      const envelopes = envelopesIn(ledger);
      assert.deepEqual(
        envelopes.map(({ kind, tool, status }) => [kind, tool?.name, status]),
        [
          ['intent', 'write_file', undefined],
          ['outcome', 'write_file', 'success'],
          ['intent', 'edit_file', undefined],
          ['outcome', 'edit_file', 'success'],
          ['intent', 'read_text_file', undefined],
          ['outcome', 'read_text_file', 'failure'],
        ],
      );
      for (const { tool, coverage } of envelopes) {
        assert.equal(coverage, 'mediated');
        assert.equal(tool?.server, 'secure-filesystem-server');
        assert.equal(tool.schemaDigest?.length, 32);
      }
      assert.deepEqual(
        envelopes.filter(({ kind }) => kind === 'intent').map(({ sideEffect }) => sideEffect),
        ['update', 'update', 'read'],
      );
    });
  });

  it('hands no call on while the ledger refuses, and goes on when it takes them', async () => {
    await withSession(async ({ ledger, client, scratch }) => {
      const path = join(scratch, 'a.txt');
      const write = () =>
        client.callTool({ name: 'write_file', arguments: { path, content: 'x' } });
      ledger.fate = () => 'refuse';
      await assert.rejects(write(), /not recorded: not-today/);
      assert.throws(() => readFileSync(path), { code: 'ENOENT' });
      ledger.fate = () => 'commit';
      await write();
      assert.equal(readFileSync(path, 'utf8'), 'x');
    });
  });

  it('withholds an answer whose outcome the ledger refuses', async () => {
    await withSession(async ({ ledger, client, scratch, stderr }) => {
      writeFileSync(join(scratch, 'a.txt'), 'the secret');
      ledger.fate = (_, at) => (at === 1 ? 'refuse' : 'commit');
      const path = join(scratch, 'a.txt');
      await assert.rejects(
        client.callTool({ name: 'read_text_file', arguments: { path } }),
        (error: Error) => /may have happened/.test(error.message) && !/secret/.test(error.message),
      );
      assert.match(stderr(), /a line of the server is held back/);
    });
  });

  it('passes on the exit code of the server, also when the ledger is gone by then', async () => {
    await withLedger(async (ledger, identity) => {
      const script =
        'process.stdout.write("\\n"); process.stdin.resume().on("end", () => process.exit(5))';
      const server = [process.execPath, '-e', script];
      const proxy = spawn(process.execPath, [kudurru, 'mcp', ...identity, '--', ...server]);
      const ended = once(proxy, 'close');
      await once(proxy.stdout, 'data');
      await ledger.stop();
      proxy.stdin.end();
      assert.deepEqual(await ended, [5, null]);
    });
  });

  it('starts no server without a ledger', async () => {
    await withLedger(async (ledger, identity) => {
      await ledger.stop();
      const trace = join(ledger.folder, 'trace');
      const proxy = spawn(process.execPath, [kudurru, 'mcp', ...identity, '--', 'touch', trace]);
      assert.deepEqual(await once(proxy, 'close'), [4, null]);
      assert.equal(existsSync(trace), false);
    });
  });
});
