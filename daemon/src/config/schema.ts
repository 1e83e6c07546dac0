/**
 * Every setting of the daemon: one row each, with unit, range, default and the reason for the
 * default. All else follows from the rows: the TOML key is the name, the environment variable is
 * KUDURRU_ and the name in capitals, the flag is the name in kebab case. In a path, `{state}`
 * stands for the state folder.
 */

interface RowText {
  /** What the setting is for, one sentence. */
  readonly meaning: string;
  /** Why the default is what it is. */
  readonly reason: string;
}
export interface TextRow extends RowText {
  readonly kind: 'text' | 'path';
  readonly default: string;
  readonly pattern: RegExp;
  /** The pattern in words. */
  readonly form: string;
}
export interface IntegerRow extends RowText {
  readonly kind: 'integer';
  readonly default: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
}
export interface ChoiceRow extends RowText {
  readonly kind: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}
export type Row = TextRow | IntegerRow | ChoiceRow;

const path = { kind: 'path', pattern: /^[^\0\n]{1,4096}$/u, form: 'a path' } as const;

const host = '(?:[A-Za-z0-9.-]{1,253}|\\[[0-9A-Fa-f:.]{2,45}\\])';
const port = '(?:\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])';
const listenPattern = new RegExp(`^(?:${host}:${port})?$`, 'u');

const pcr = '(?:\\d|1\\d|2[0-3])';
const pcrsPattern = new RegExp(`^${pcr}(?:,${pcr}){0,23}$`, 'u');

export const SETTINGS = {
  profile: {
    kind: 'choice',
    choices: ['emulated', 'hardware'],
    default: 'emulated',
    meaning: 'the set of devices the daemon works with',
    reason: 'what it makes says "emulated" everywhere, and a reader refuses it unless told so',
  },
  origin: {
    kind: 'text',
    pattern: /^[a-z0-9.-][a-z0-9./-]{0,199}$/u,
    form: '1 to 200 of a-z 0-9 . / -',
    default: 'kudurru.local/ledger',
    meaning: 'name of the log in every checkpoint; fixed at the first start',
    reason: 'it names the log and not the box, and is not reachable by any name service',
  },
  trustDomain: {
    kind: 'text',
    pattern: /^[a-z0-9.-]{1,200}$/u,
    form: '1 to 200 of a-z 0-9 . -',
    default: 'kudurru.local',
    meaning: 'SPIFFE trust domain of the agents; fixed at the first start',
    reason: 'the domain part of the default origin',
  },
  logLevel: {
    kind: 'choice',
    choices: ['debug', 'info', 'warning', 'error'],
    default: 'info',
    meaning: 'least level of the lines on stderr',
    reason: 'a line for each thing an operator may want to know, none for each action',
  },
  agentSocket: {
    ...path,
    default: '{state}/agent.sock',
    meaning: 'Unix socket where agents hand in their actions',
    reason: 'inside the state folder, which only the owner can enter',
  },
  controlSocket: {
    ...path,
    default: '{state}/control.sock',
    meaning: 'Unix socket for operators and the command',
    reason: 'inside the state folder, which only the owner can enter',
  },
  logSocket: {
    ...path,
    default: '{state}/log.sock',
    meaning: 'Unix socket where the log can be read over HTTP, as c2sp.org/tlog-tiles',
    reason: 'inside the state folder, which only the owner can enter',
  },
  logListen: {
    kind: 'text',
    pattern: listenPattern,
    form: 'empty, or HOST:PORT such as "127.0.0.1:8080" or "[::1]:8080" (port 0: any free one)',
    default: '',
    meaning: 'address where the log can be read over HTTP without TLS too; empty: nowhere',
    reason: 'entries name agents, owners and tools: who reads them is for the operator to say',
  },
  tcti: {
    kind: 'text',
    pattern: /^[a-z][a-z0-9]*:[^\0\n]{0,1000}$/u,
    form: 'a TCTI as tpm2-tss spells it, such as "swtpm:path=/run/tpm.sock"',
    default: 'swtpm:path={state}/devices/tpm.sock',
    meaning: 'how the TPM is reached',
    reason: 'the software TPM that the set-up starts for this state folder',
  },
  pkcs11Module: {
    ...path,
    default: '/usr/lib/softhsm/libsofthsm2.so',
    meaning: 'PKCS#11 module of the signing token',
    reason: "where Debian's softhsm2 package puts it",
  },
  tokenLabel: {
    kind: 'text',
    pattern: /^[\x20-\x7e]{1,32}$/u,
    form: '1 to 32 printable ASCII characters',
    default: 'kudurru',
    meaning: 'label of the PKCS#11 token that holds the keys',
    reason: 'the token that the set-up makes',
  },
  tokenPinFile: {
    ...path,
    default: '{state}/devices/token-pin',
    meaning: "file with the token's user PIN, readable by its owner only",
    reason: 'a PIN in a setting or the environment is seen by others on the box',
  },
  softhsmConfig: {
    ...path,
    default: '{state}/devices/softhsm2.conf',
    meaning: "SoftHSM's configuration (SOFTHSM2_CONF of the device helper)",
    reason: 'the one that the set-up writes for this state folder',
  },
  bootPcrs: {
    kind: 'text',
    pattern: pcrsPattern,
    form: 'numbers of PCRs, 0 to 23, with commas between, such as "0,1,2,3,4,5,6,7"',
    default: '0,1,2,3,4,5,6,7',
    meaning: 'PCRs that a boot entry quotes, besides the one that anchors extend',
    reason: 'firmware, its settings, boot loader and Secure Boot: what runs before the system',
  },
  eventLog: {
    kind: 'text',
    pattern: /^(?:\/[^\0\n]{0,4095})?$/u,
    form: 'empty, or an absolute path',
    default: '',
    meaning: "file of the firmware's event log, kept with each boot entry; empty: none",
    reason:
      'a software TPM has none; that of a chip is ' +
      '"/sys/kernel/security/tpm0/binary_bios_measurements"',
  },
  deviceTimeoutMs: {
    kind: 'integer',
    unit: 'ms',
    min: 100,
    max: 600_000,
    default: 10_000,
    meaning: 'one call of the TPM or the token is given up after this long',
    reason: 'a slow TPM needs under a second for each of the few commands of a call',
  },
  anchorIntervalMs: {
    kind: 'integer',
    unit: 'ms',
    min: 10,
    max: 3_600_000,
    default: 2000,
    meaning: 'while there is activity, the tree is anchored this often',
    reason: 'five TPM signatures take up to 0.7 s on a slow chip: a third of its time',
  },
  counterIntervalMs: {
    kind: 'integer',
    unit: 'ms',
    min: 60_000,
    max: 86_400_000,
    default: 1_200_000,
    meaning: 'while there is activity, the NV counter is incremented this often',
    reason: '72 increments a day are 260,000 in ten years, within what an NV counter endures',
  },
  anchorPcr: {
    kind: 'integer',
    unit: 'PCR',
    min: 0,
    max: 15,
    default: 14,
    meaning: 'PCR of the SHA-256 bank that anchors extend; fixed at the first start',
    reason: 'the boot loader measures into it, nothing later does; only a TPM reset takes it back',
  },
  sessionIdleMs: {
    kind: 'integer',
    unit: 'ms',
    min: 1000,
    max: 86_400_000,
    default: 3_600_000,
    meaning: 'a session whose agent is gone or silent for this long is closed',
    reason: 'a person may leave an agent waiting over lunch',
  },
  sessionsMax: {
    kind: 'integer',
    unit: 'sessions',
    min: 1,
    max: 65_536,
    default: 4096,
    meaning: 'open sessions at the same time',
    reason: 'about 1 KiB of memory each',
  },
  connectionsMax: {
    kind: 'integer',
    unit: 'connections',
    min: 1,
    max: 16_384,
    default: 1024,
    meaning: 'connections on the agent socket at the same time',
    reason: 'a thousand agents on one box; 64 KiB of memory each at most, besides the queue',
  },
  submissionsInFlightMax: {
    kind: 'integer',
    unit: 'submissions',
    min: 1,
    max: 1024,
    default: 64,
    meaning: 'submissions one connection may have sent and not yet seen answered',
    reason: 'enough to keep the disk busy from one connection',
  },
  segmentSizeMib: {
    kind: 'integer',
    unit: 'MiB',
    min: 8,
    max: 1024,
    default: 64,
    meaning: 'size of a new segment of the journal; the one in use and the next are allocated',
    reason: 'seconds of the highest rate: a new one is begun seldom, and its room is no burden',
  },
  queueMib: {
    kind: 'integer',
    unit: 'MiB',
    min: 16,
    max: 4096,
    default: 128,
    meaning: 'memory of all submissions from their arrival to their answer; then sockets wait',
    reason: 'eight of the largest batches: one made durable, one checked, the others arriving',
  },
  agentQueueMib: {
    kind: 'integer',
    unit: 'MiB',
    min: 4,
    max: 4096,
    default: 32,
    meaning: 'the same for the submissions of one agent, over all its connections',
    reason: 'a quarter of the queue, and still two of the largest batches',
  },
  queueHighPercent: {
    kind: 'integer',
    unit: '% of queueMib',
    min: 2,
    max: 100,
    default: 75,
    meaning: 'from here on the queue is an alarm',
    reason: 'agents do not wait yet for the room of others',
  },
  queueLowPercent: {
    kind: 'integer',
    unit: '% of queueMib',
    min: 1,
    max: 99,
    default: 25,
    meaning: 'down here the alarm of the queue ends',
    reason: 'far enough below that a queue that swings is one alarm',
  },
  queueTimeMs: {
    kind: 'integer',
    unit: 'ms',
    min: 1000,
    max: 600_000,
    default: 10_000,
    meaning: 'a submission that waits this long for its batch is refused: later',
    reason: 'a disk that takes longer than this for a batch or two does not work',
  },
  diskLowMib: {
    kind: 'integer',
    unit: 'MiB',
    min: 16,
    max: 16_777_216,
    default: 512,
    meaning: 'with less free room on the disk submissions are refused: later',
    reason: 'entries of the daemon itself, tiles and index go on for days in it',
  },
  diskEnoughMib: {
    kind: 'integer',
    unit: 'MiB',
    min: 17,
    max: 16_777_216,
    default: 1024,
    meaning: 'with this much free room again they are taken',
    reason: 'room for some segments of the journal: it is not low again at once',
  },
  clockBehindMaxMs: {
    kind: 'integer',
    unit: 'ms',
    min: 0,
    max: 86_400_000,
    default: 10_000,
    meaning: 'how far the system clock may be behind the last entry when the daemon starts',
    reason: 'an adjusted clock may be a little behind; more means that it is not set',
  },
} as const satisfies Readonly<Record<string, Row>>;

export type SettingName = keyof typeof SETTINGS;

type ValueOf<R extends Row> = R extends IntegerRow
  ? number
  : R extends ChoiceRow
    ? R['choices'][number]
    : string;

/** The values in force; paths are absolute. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> };

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** `anchorIntervalMs` → `anchor-interval-ms`. */
export function flagOf(name: SettingName): string {
  return name.replace(/[A-Z]/gu, (capital) => `-${capital.toLowerCase()}`);
}

/** `anchorIntervalMs` → `KUDURRU_ANCHOR_INTERVAL_MS`. */
export function variableOf(name: SettingName): string {
  return `KUDURRU_${flagOf(name).replaceAll('-', '_').toUpperCase()}`;
}
