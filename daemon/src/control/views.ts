/**
 * What the control socket shows, as JSON. Indexes, sizes and counts are numbers (the format keeps
 * them below 2^53), times in nanoseconds decimal strings, byte strings lower-case hexadecimal.
 */
import type { TpmClock } from '../hardware/attestation.ts';
import type { ExaminationRequest, TpmExamination } from '../hardware/tpm-examination.ts';
import type { Caller } from './router.ts';
import type { TimeView, TimeWindowsView } from './time-views.ts';

export interface DeviceView {
  readonly name: 'attestation' | 'token';
  readonly label: 'hardware' | 'emulated' | 'simulated';
  readonly maker: string;
  readonly model: string;
  /** Failures in a row; 0 while it works. */
  readonly failures: number;
}

export interface AnchorStatusView {
  /** Null before the first. */
  readonly index: number | null;
  readonly size: number;
  readonly ageMs: number | null;
  readonly counter: number | null;
  /** Entries that no anchor covers: what a thief of the whole box could still take back. */
  readonly entriesNotAnchored: number;
  /** Entries whose anchor no increment of the counter covers. */
  readonly entriesNotCounted: number;
  /** Since the last counter-anchor; null before it. Over a reset of the TPM all since is open. */
  readonly countedAgeMs: number | null;
  /** PCR that anchors extend; null where the ledger was founded without. */
  readonly pcr: number | null;
  /** What the TPM's memory endures, with activity without a pause. */
  readonly wearYears: number;
}

export interface BootStatusView {
  /** Against the ledger's first boot entry. */
  readonly state: 'as-provisioned' | 'approved' | 'differs' | 'unknown';
  /** PCRs that show another value than then; of an approved boot too. */
  readonly pcrs: readonly number[];
  /** Why it is unknown; null where it is not. */
  readonly reason: string | null;
  /** Why the boot entry has no event log of the firmware; null where it has one. */
  readonly eventLogMissing: string | null;
}

export interface IndexStatusView {
  /** Entries that no search can find yet. */
  readonly entriesBehind: number;
  /** How long they will take, as fast as it went last; null before that is known. */
  readonly catchUpMs: number | null;
  readonly entriesPerSecond: number | null;
  /** `paused`, or an eighth of a core only, while the ledger is busy. */
  readonly pace: 'free' | 'share' | 'paused';
}

/** Sizes in bytes; null: not known yet. */
export interface ResourcesView {
  readonly disk: {
    readonly freeBytes: number;
    /** Below this submissions are refused, until `enoughBytes` are free. */
    readonly lowBytes: number;
    readonly enoughBytes: number;
    /** Of the journal; null until they were counted. */
    readonly segments: { readonly held: number; readonly retired: number } | null;
    readonly bytesPerEntry: {
      readonly journal: number | null;
      readonly tiles: number | null;
      readonly index: number | null;
    };
    readonly entriesPerSecond: {
      readonly lastHour: number | null;
      readonly lastDay: number | null;
    };
    /** Until submissions are refused, at the rate of the last day. */
    readonly daysLeft: number | null;
  };
  /** Submissions from their arrival to their answer. */
  readonly queue: {
    readonly heldBytes: number;
    readonly heldBytesHighest: number;
    readonly maxBytes: number;
    readonly highBytes: number;
    readonly lowBytes: number;
    /** Received and not in a batch yet. */
    readonly frames: number;
    /** Submissions that the ledger works on. */
    readonly inBatches: number;
    /** Whose next frame waits for room. */
    readonly waitingConnections: number;
    readonly agents: number;
    readonly unreadAnswerBytes: number;
  };
  readonly memory: { readonly residentBytes: number; readonly boundBytes: number };
  readonly logAnswerBytes: number;
  readonly alarms: readonly { readonly code: string; readonly message: string }[];
}

/** What the box itself could do to its devices. */
export interface CustodyView {
  /** Hierarchies of the TPM whose authorisation the operators hold, and the box does not. */
  readonly authorisationsSet: readonly ('owner' | 'lockout')[];
  readonly pin: PinView;
}

/** How the token's PIN is kept: in a file that the daemon's user reads, or sealed to the TPM. */
export type PinView =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'sealed';
      /** Of the newest approved boot. */
      readonly pcrs: readonly number[];
      readonly approvals: number;
      /** This boot is one of them. */
      readonly isApproved: boolean;
    };

/** What the daemon's process got of the kernel at its start. */
export interface ProcessFactView {
  readonly name: string;
  readonly state: string;
  readonly isGood: boolean;
}

export interface StatusView {
  readonly state: 'running' | 'stopping';
  readonly version: string;
  readonly profile: string;
  readonly ledgerId: string;
  readonly origin: string;
  readonly trustDomain: string;
  /** Names of those whose signed orders are carried out. */
  readonly operators: readonly string[];
  readonly size: number;
  readonly root: string;
  readonly agents: number;
  readonly sessions: number;
  readonly connections: number;
  readonly writerLevel: string;
  /** How the journal's end was read at the start: `direct`, or `dropped-cache` below it. */
  readonly tailRead: string;
  readonly process: readonly ProcessFactView[];
  readonly time: TimeWindowsView;
  readonly leapList: { readonly source: string; readonly expires: string; expired: boolean };
  readonly custody: CustodyView;
  readonly devices: readonly DeviceView[];
  readonly anchor: AnchorStatusView;
  readonly boot: BootStatusView;
  readonly index: IndexStatusView;
  /** Refused submissions and requests since the start, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Where the log can be read: `unix:PATH`, `http://HOST:PORT`. */
  readonly logDoor: readonly string[];
  readonly resources: ResourcesView;
  /** In the journal: chunks of large bodies that no statement names, or not yet. */
  readonly unnamedChunkBytes: number;
  readonly uptimeMs: number;
}

export interface AgentView {
  readonly index: number;
  readonly agentId: string;
  readonly name: string;
  readonly owner: string;
  readonly purpose: string;
  readonly algorithm: string;
  readonly keyId: string;
  readonly enrolledByUid: number;
  readonly enrolledAtTaiNs: string;
  readonly enrolledAt: string;
  readonly openSessions: number;
}

export interface NonceView {
  readonly nonce: string;
  readonly ledgerId: string;
  readonly trustDomain: string;
  readonly lifetimeMs: number;
}

export interface EnrolRequest {
  /** COSE_Sign1 over the enrolment (SPEC.md §7.3). */
  readonly enrolment: Uint8Array;
  /** How to reach the owner; kept as a private body. */
  readonly ownerContact: string | null;
  readonly caller: Caller;
}

/** Names an entry for a bundle: by index, by place in a session, or by the agent's own name. */
export type Subject =
  | { readonly index: number }
  | { readonly session: Uint8Array; readonly sequence: number }
  | { readonly externalId: string };

/** How the TPM is; see `TpmExamination`. */
export type TpmExaminationView = Omit<TpmExamination, 'clock'> & {
  readonly clock: Omit<TpmClock, 'clockMs' | 'timeMs'> & {
    readonly clockMs: number;
    readonly timeMs: number;
  };
};

export interface TimeProfileView {
  /** Of its `time.profile` entry. */
  readonly index: number;
  /** Who signed the order. */
  readonly operators: readonly string[];
  /** In the form for people (SPEC.md §9.3). */
  readonly profile: unknown;
}

export interface TimeOrderView {
  /** Base64 of what operators sign. */
  readonly order: string;
  readonly expires: string;
  /** Who may sign it. */
  readonly operators: readonly string[];
}

/** What is asked of the clock. */
export interface TimeFace {
  time(): TimeView;
  timeProfile(): TimeProfileView;
  /** `profile` is its CBOR (SPEC.md §9.3). */
  orderTimeProfile(profile: Uint8Array, validHours: number): TimeOrderView;
  /** `signatures` are what ssh-keygen wrote. */
  activateTimeProfile(
    order: Uint8Array,
    signatures: readonly Uint8Array[],
  ): Promise<TimeProfileView>;
}

/** What the routes ask of the daemon. Every method throws KudurruError with its documented code. */
export interface ControlFace extends TimeFace {
  status(): StatusView;
  agents(): readonly AgentView[];
  /** Null where nobody has this name. */
  agent(name: string): AgentView | null;
  giveNonce(): NonceView;
  enrol(request: EnrolRequest): Promise<AgentView>;
  /** The query's members are the search's own; it refuses what it does not know. */
  search(query: URLSearchParams): Promise<unknown>;
  /** Of the log's time evidence; strict as a search. */
  timeHistory(query: URLSearchParams): Promise<unknown>;
  entry(index: number): Promise<unknown>;
  /** Salt and bytes of a private body that the ledger holds. */
  body(index: number, field: string): Promise<Uint8Array>;
  bundle(subject: Subject, disclose: boolean): Promise<Uint8Array>;
  /** A signed note; of the newest tree, or of a tree of just this size. */
  checkpoint(size: number | null): Promise<Uint8Array>;
  trustPolicy(): unknown;
  /** The appliance identity document. */
  identity(): unknown;
  /** The answer's file to a challenge's file (SPEC.md §14). */
  attest(challenge: Uint8Array): Promise<Uint8Array>;
  examineTpm(request: ExaminationRequest): Promise<TpmExaminationView>;
}
