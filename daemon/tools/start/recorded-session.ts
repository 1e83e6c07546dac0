/**
 * A real MCP session: the official client, our recording proxy, and the unmodified file server on a
 * scratch folder. What the server refuses is part of it.
 */
import { join } from 'node:path';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { fileServerProgram, kudurruProgram } from './commands.ts';
import type { TourFiles } from './tour-folder.ts';

export interface Call {
  readonly tool: string;
  readonly target: string;
  /** The tool said that it failed, or the server refused. */
  readonly isError: boolean;
  /** First line of what came back. */
  readonly answer: string;
}

export interface SessionOptions {
  readonly files: TourFiles;
  readonly state: string;
  readonly agent: string;
  /** Told each call as soon as it is answered. */
  readonly onCall: (call: Call) => void;
  /** Told what proxy and server say on stderr. */
  readonly onWords: (text: string) => void;
}

export async function runRecordedSession(options: SessionOptions): Promise<void> {
  const { files, state, agent } = options;
  const proxy = [kudurruProgram, 'mcp', '--agent', agent, '--key', files.key, '--state', state];
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...proxy, '--', process.execPath, fileServerProgram, files.scratch],
    stderr: 'pipe',
  });
  transport.stderr?.on('data', (chunk: Buffer) => options.onWords(chunk.toString()));
  const client = new Client({ name: 'kudurru-tour', version: '1' });
  await client.connect(transport);
  try {
    await client.listTools();
    for (const { tool, parameters } of callsOf(files)) {
      options.onCall(await makeCall(client, tool, parameters));
    }
  } finally {
    await client.close();
  }
}

interface Planned {
  readonly tool: string;
  readonly parameters: { readonly path: string } & Readonly<Record<string, unknown>>;
}

/** List, write, read, edit, a path outside the folder, a file that does not exist. */
function callsOf({ scratch, outside }: TourFiles): Planned[] {
  const report = join(scratch, 'report.txt');
  const edits = [{ oldText: 'draft', newText: 'final' }];
  return [
    { tool: 'list_directory', parameters: { path: scratch } },
    { tool: 'write_file', parameters: { path: report, content: 'Quarterly report, draft.\n' } },
    { tool: 'read_text_file', parameters: { path: report } },
    { tool: 'edit_file', parameters: { path: report, edits } },
    { tool: 'read_text_file', parameters: { path: outside } },
    { tool: 'read_text_file', parameters: { path: join(scratch, 'missing.txt') } },
  ];
}

async function makeCall(
  client: Client,
  tool: string,
  parameters: Planned['parameters'],
): Promise<Call> {
  const result = await client.callTool({ name: tool, arguments: parameters });
  const content: unknown = Array.isArray(result.content) ? result.content[0] : undefined;
  const text =
    typeof content === 'object' && content !== null && 'text' in content ? content.text : '';
  const [answer = ''] = String(text).split('\n');
  return { tool, target: parameters.path, isError: result.isError === true, answer };
}
