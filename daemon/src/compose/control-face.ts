/** What the control socket asks, answered from the stages. */
import {
  decodeEntry,
  encodeBase64,
  encodeHex,
  entryToJson,
  formatTai,
  WRITER_LEVELS,
} from '@kudurru/proof';

import type { Anchorer } from '../anchor/anchorer.ts';
import type { Checkpoints } from '../anchor/checkpoints.ts';
import { KudurruError } from '../base/errors.ts';
import { leafIndex, treeSize } from '../base/units.ts';
import type {
  AgentView,
  ControlFace,
  DeviceView,
  ProcessFactView,
  StatusView,
  Subject,
} from '../control/views.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { Agent, AgentRegistry } from '../identity/agents.ts';
import { anchorView, bootView } from './anchor-view.ts';
import type { BootRecorder } from './boot-record.ts';
import type { Enroller } from './enroller.ts';
import { nonceLifetimeMs } from '../identity/nonces.ts';
import type { SessionTable } from '../identity/sessions.ts';
import type { CredentialActivation } from '../hardware/credential-activation.ts';
import type { TokenPin } from '../hardware/token-pin.ts';
import type { TpmExaminer } from '../hardware/tpm-examination.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { FoundedLedger } from './founding.ts';
import { identityDocument, operatorViews, trustPolicyOf } from './identity-document.ts';
import { pinView } from './pin-view.ts';
import type { AlarmInForce } from './resource-watch.ts';
import { answerTo, examine } from './tpm-requests.ts';
import { timeFace } from './time-face.ts';
import { timeWindowsOf } from './time-view.ts';
import type { Timekeeping } from './timekeeping.ts';
import { resourcesOf, type ResourceViewOptions } from './resource-view.ts';
import { heldBody } from './held-body.ts';

export interface ControlFaceOptions extends ResourceViewOptions {
  readonly founded: FoundedLedger;
  readonly version: string;
  readonly profile: string;
  readonly ledger: Ledger;
  readonly agents: AgentRegistry;
  readonly sessions: SessionTable;
  readonly enroller: Enroller;
  readonly anchorer: Anchorer;
  readonly boots: Pick<BootRecorder, 'facts'>;
  readonly checkpoints: Checkpoints;
  readonly evidence: Evidence;
  readonly tpm: CredentialActivation & TpmExaminer;
  readonly pin: TokenPin;
  readonly time: Timekeeping;
  readonly isStopping: () => boolean;
  /** Milliseconds that never go back, 0 at the start. */
  readonly process: readonly ProcessFactView[];
  readonly uptimeMs: () => number;
}

/** An anchor is due within seconds; a TPM that fails is tried again for longer than this. */
const coverTimeoutMs = 30_000;

export function controlFace(options: ControlFaceOptions): ControlFace {
  const { agents, enroller, evidence, founded } = options;
  return {
    status: () => statusOf(options),
    agents: () => agents.all().map((agent) => agentView(agent, options)),
    agent: (name) => {
      const agent = agents.byName(name);
      return agent === null ? null : agentView(agent, options);
    },
    giveNonce: () => ({
      nonce: encodeHex(enroller.giveNonce()),
      ledgerId: encodeHex(founded.ledgerId),
      trustDomain: founded.trustDomain,
      lifetimeMs: nonceLifetimeMs,
    }),
    enrol: async (request) => {
      requireRunning(options);
      return agentView(await enroller.enrol(request), options);
    },
    search: (query) => evidence.search(query),
    timeHistory: (query) => evidence.timeHistory(query),
    entry: (index) => showEntry(index, options.ledger),
    body: (index, field) => heldBody(options.ledger, { index, field }),
    bundle: (subject, disclose) => makeBundle(subject, disclose, options),
    checkpoint: (size) => showCheckpoint(size, options),
    trustPolicy: () => trustPolicyOf(founded),
    identity: () => identityDocument(founded, options.boots.facts.first),
    attest: async (challenge) => {
      requireRunning(options);
      return answerTo(challenge, { tpm: options.tpm, applianceId: founded.applianceId });
    },
    ...timeFace(options.time, () => requireRunning(options)),
    examineTpm: async (request) => {
      requireRunning(options);
      return examine(request, options);
    },
  };
}

function requireRunning({ isStopping }: ControlFaceOptions): void {
  if (!isStopping()) return;
  throw new KudurruError('stopping', 'request not accepted: the daemon is stopping');
}

async function showEntry(index: number, ledger: Ledger): Promise<unknown> {
  const { size } = ledger.head();
  if (BigInt(index) >= size) {
    throw new KudurruError('not-found', `entry ${index} not found: the ledger has ${size} entries`);
  }
  const bytes = await ledger.readEntry(leafIndex(BigInt(index)));
  return { index, ...entryToJson(decodeEntry(bytes)), bytes: encodeBase64(bytes) };
}

async function makeBundle(
  subject: Subject,
  disclose: boolean,
  options: ControlFaceOptions,
): Promise<Uint8Array> {
  const { evidence, ledger, anchorer, checkpoints } = options;
  const index = await evidence.locate(subject);
  if (index >= ledger.head().size) {
    throw new KudurruError('not-found', `entry ${index} not found: the ledger ends before it`);
  }
  await within(anchorer.cover(index), `bundle of entry ${index}`);
  const head = checkpoints.published;
  if (head === null) throw new KudurruError('not-ready', 'bundle not made: nothing is published');
  return evidence.bundle(index, { head, disclose });
}

async function within(covered: Promise<void>, what: string): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const why = `${what} not made: no anchor covers it after ${coverTimeoutMs} ms`;
    timeout.reject(new KudurruError('not-ready', `${why}; see "kudurru status"`));
  }, coverTimeoutMs);
  try {
    await Promise.race([covered, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function showCheckpoint(
  size: number | null,
  { ledger, checkpoints }: ControlFaceOptions,
): Promise<Uint8Array> {
  const head = ledger.head();
  if (size === null) return (await checkpoints.sign(head)).note;
  if (BigInt(size) > head.size || size === 0) {
    throw new KudurruError('not-found', `checkpoint not made: the tree has ${head.size} entries`);
  }
  const wanted = treeSize(BigInt(size));
  return (await checkpoints.sign({ size: wanted, root: await ledger.rootAt(wanted) })).note;
}

function agentView(agent: Agent, { sessions }: ControlFaceOptions): AgentView {
  return {
    index: Number(agent.agentIndex),
    agentId: agent.agentId,
    name: agent.name,
    owner: agent.owner,
    purpose: agent.purpose,
    algorithm: agent.key.algorithm,
    keyId: encodeHex(agent.keyId),
    enrolledByUid: agent.enrolledByUid,
    enrolledAtTaiNs: String(agent.enrolledAt),
    enrolledAt: formatTai(agent.enrolledAt),
    openSessions: sessions.ofAgent(agent).length,
  };
}

function statusOf(options: ControlFaceOptions): StatusView {
  const { founded, ledger, intake, evidence, time } = options;
  const { size, root } = ledger.head();
  const { connections, refusals } = intake.stats();
  const { source, expiresUnixSeconds, expired } = time.clock.leapList();
  return {
    state: options.isStopping() ? 'stopping' : 'running',
    version: options.version,
    profile: options.profile,
    ledgerId: encodeHex(founded.ledgerId),
    origin: founded.origin,
    trustDomain: founded.trustDomain,
    operators: operatorViews(founded.provisioningRecord).map(({ name }) => name),
    size: Number(size),
    root: encodeHex(root),
    agents: options.agents.size,
    sessions: options.sessions.size,
    connections,
    writerLevel: WRITER_LEVELS[intake.writerLevel - 1] ?? 'credentials',
    tailRead: founded.store.opening.tailRead,
    process: options.process,
    time: timeWindowsOf(time),
    leapList: { source, expires: new Date(expiresUnixSeconds * 1000).toISOString(), expired },
    custody: { authorisationsSet: founded.authorisationsSet, pin: pinView(founded.pin) },
    devices: devicesOf(options),
    anchor: anchorView(options),
    boot: bootView(options.boots.facts),
    index: evidence.indexLag(),
    refusals,
    logDoor: options.logDoor.addresses,
    resources: resourcesOf(options, alarmsOf(options)),
    unnamedChunkBytes: Number(founded.store.unnamedChunkBytes()),
    uptimeMs: Math.round(options.uptimeMs()),
  };
}

/** Of what is not a resource. */
function alarmsOf({ time: { clock }, anchorer }: ControlFaceOptions): AlarmInForce[] {
  const { source, expired } = clock.leapList();
  const { failures } = anchorer;
  const behind = `${failures} anchors in a row were not made`;
  return [
    ...(expired ? [{ code: 'leap-list-expired', message: `the list is ${source}` }] : []),
    ...(failures > 0 ? [{ code: 'anchor-failed', message: behind }] : []),
  ];
}

function devicesOf({ founded: { document }, anchorer }: ControlFaceOptions): DeviceView[] {
  const { label, manufacturer, tokenLabel, token } = document;
  const { failures } = anchorer;
  return [
    { name: 'attestation', label, maker: manufacturer, model: 'TPM 2.0', failures },
    { name: 'token', label: tokenLabel, maker: token.manufacturer, model: token.model, failures },
  ];
}
