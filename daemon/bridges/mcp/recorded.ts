/**
 * Which requests are recorded, and what their envelopes say. Everything is, but what only asks the
 * other side about itself: a method that is not known here may have effects.
 */
import type { Action } from '@kudurru/agent';
import { decodeHex, LARGE_BODY_SIZE_BYTES_MAX, type Reference } from '@kudurru/proof';

import { shortText, type Catalogue, type ToolFacts } from './catalogue.ts';
import { isRecord, type RequestMessage, type ResponseMessage } from './message.ts';

/** Who sent the request. */
export type Side = 'client' | 'server';

const ASKS_ONLY: Readonly<Record<Side, ReadonlySet<string>>> = {
  client: new Set([
    'completion/complete',
    'initialize',
    'logging/setLevel',
    'ping',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'server/discover',
    'tasks/get',
    'tasks/list',
    'tools/list',
  ]),
  server: new Set(['ping', 'roots/list']),
};

const TARGET_SIZE_BYTES_MAX = 4096;
const PLAIN_TEXT = 'text/plain; charset=utf-8';
const JSON_TEXT = 'application/json';

export function isRecorded(side: Side, method: string): boolean {
  return !ASKS_ONLY[side].has(method);
}

/** What intent and outcome have in common. */
type PublicFacts = Pick<
  Action,
  'operation' | 'coverage' | 'tool' | 'externalId' | 'traceId' | 'spanId' | 'targetType'
>;

/** A recorded request on its way. */
export interface Recorded {
  readonly method: string;
  readonly facts: PublicFacts;
  readonly intent: Action;
}

export interface Words {
  readonly side: Side;
  readonly catalogue: Catalogue;
  /** Told of a body that is too long to be kept. */
  readonly say: (line: string) => void;
}

export function recordedOf(request: RequestMessage, words: Words): Recorded {
  const { method, value, members } = request;
  const params = isRecord(value['params']) ? value['params'] : {};
  const input = members.get('params');
  const { type: targetType, target } = targetOf(method, params);
  const facts: PublicFacts = {
    operation: method,
    coverage: 'mediated',
    tool: toolOf(method, params, words.catalogue),
    ...externalIdOf(request),
    ...traceOf(params),
    ...(targetType === null ? {} : { targetType }),
  };
  const intent: Action = {
    kind: 'intent',
    actionType: words.side === 'client' ? 'tool-call' : 'interaction',
    ...facts,
    ...effectOf(method, words.catalogue.toolOf(nameOf(params) ?? '')),
    private: {
      ...(input === undefined ? {} : { input: body(input, `input of ${method}`, words) }),
      ...(target === null ? {} : { target: { bytes: utf8(target), mediaType: PLAIN_TEXT } }),
    },
  };
  return { method, facts, intent };
}

export interface Answered {
  readonly recorded: Recorded;
  readonly reference: Reference;
  readonly durationNs: bigint;
}

export function outcomeOf(response: ResponseMessage, answered: Answered, words: Words): Action {
  const { value, members } = response;
  const { recorded } = answered;
  const result = members.get('result');
  const error = members.get('error');
  const errorType = errorTypeOf(value);
  const what = `output of ${recorded.method}`;
  return {
    ...outcomeBase(answered, words.side),
    status: errorType === null ? 'success' : 'failure',
    ...(errorType === null ? {} : { errorType }),
    private: {
      ...(result === undefined ? {} : { output: body(result, what, words) }),
      ...(error === undefined ? {} : { error: body(error, what, words) }),
    },
  };
}

/** The answer never came; `errorType` says why. */
export function unknownOutcome(answered: Answered, errorType: string, side: Side): Action {
  return { ...outcomeBase(answered, side), status: 'unknown', errorType };
}

function outcomeBase({ recorded, reference, durationNs }: Answered, side: Side): Action {
  return {
    kind: 'outcome',
    actionType: side === 'client' ? 'tool-response' : 'interaction',
    ...recorded.facts,
    intent: reference,
    observedBy: 'bridge',
    durationNs,
  };
}

/** `tool_error` is OpenTelemetry's word for a tool that answered that it failed. */
function errorTypeOf(response: Readonly<Record<string, unknown>>): string | null {
  const { error, result } = response;
  if (isRecord(error)) return `json-rpc ${String(error['code']).slice(0, 32)}`;
  if (error !== undefined) return 'json-rpc';
  return isRecord(result) && result['isError'] === true ? 'tool_error' : null;
}

function toolOf(
  method: string,
  params: Readonly<Record<string, unknown>>,
  catalogue: Catalogue,
): NonNullable<Action['tool']> {
  const name = method === 'tools/call' || method === 'prompts/get' ? nameOf(params) : method;
  const known = method === 'tools/call' && name !== null ? catalogue.toolOf(name) : null;
  return {
    name: name ?? method,
    server: catalogue.serverName,
    schemaDigest: known?.digest ?? null,
    protocolVersion: protocolOf(params) ?? catalogue.protocolVersion,
  };
}

function nameOf(params: Readonly<Record<string, unknown>>): string | null {
  return shortText(params['name'], 256);
}

/** Since protocol 2026-07-28 each request names its version. */
function protocolOf(params: Readonly<Record<string, unknown>>): string | null {
  const meta = isRecord(params['_meta']) ? params['_meta'] : {};
  return shortText(meta['io.modelcontextprotocol/protocolVersion'], 64);
}

/** The hints are the server's own claims (MCP, ToolAnnotations). Without one: unknown. */
function effectOf(
  method: string,
  tool: ToolFacts | null,
): Required<Pick<Action, 'sideEffect' | 'reversibility'>> {
  if (method === 'resources/read' || method === 'prompts/get' || tool?.isReadOnly === true) {
    return { sideEffect: 'read', reversibility: 'reversible' };
  }
  if (method === 'elicitation/create') {
    return { sideEffect: 'communicate', reversibility: 'unknown' };
  }
  if (method !== 'tools/call' || tool?.isReadOnly == null || tool.isDestructive === null) {
    return { sideEffect: 'unknown', reversibility: 'unknown' };
  }
  // Not destructive means: only adds (ToolAnnotations.destructiveHint).
  return tool.isDestructive
    ? { sideEffect: 'update', reversibility: 'irreversible' }
    : { sideEffect: 'create', reversibility: 'compensable' };
}

const TARGET_ARGUMENTS = [
  ['path', 'file'],
  ['uri', 'uri'],
  ['url', 'url'],
  ['source', 'file'],
] as const;

/** The argument that by its name says what is acted on. */
function targetOf(
  method: string,
  params: Readonly<Record<string, unknown>>,
): { type: string | null; target: string | null } {
  const values = method === 'tools/call' ? params['arguments'] : params;
  for (const [name, type] of TARGET_ARGUMENTS) {
    const value = isRecord(values) ? values[name] : undefined;
    if (typeof value !== 'string' || value === '' || !value.isWellFormed()) continue;
    if (Buffer.byteLength(value) <= TARGET_SIZE_BYTES_MAX) return { type, target: value };
  }
  return { type: null, target: null };
}

function externalIdOf({ id }: RequestMessage): Pick<Action, 'externalId'> {
  const text = shortText(String(id), 256);
  return text === null ? {} : { externalId: { scheme: 'json-rpc', id: text } };
}

/** W3C Trace Context in the request's `_meta`. */
function traceOf(params: Readonly<Record<string, unknown>>): Pick<Action, 'traceId' | 'spanId'> {
  const meta = isRecord(params['_meta']) ? params['_meta'] : {};
  const parts = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/u.exec(
    String(meta['traceparent']),
  );
  const [, trace = '', span = ''] = parts ?? [];
  if (parts === null || /^0+$/u.test(trace) || /^0+$/u.test(span)) return {};
  return { traceId: decodeHex(trace), spanId: decodeHex(span) };
}

function body(
  text: string,
  what: string,
  { say }: Words,
): { bytes: Uint8Array; mediaType: string; deposit: boolean } {
  const bytes = utf8(text);
  // Of a longer one the ledger keeps the commitment only.
  const deposit = bytes.length <= LARGE_BODY_SIZE_BYTES_MAX;
  if (!deposit) say(`${what}: ${bytes.length} bytes are committed to and kept nowhere`);
  return { bytes, mediaType: JSON_TEXT, deposit };
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf8'));
}
