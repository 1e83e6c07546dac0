/**
 * Names of what a process does to its devices and its disk, told from the command itself, from the
 * records that a sync makes durable, and from what came before. A name that no list of steps has is
 * a step that nobody has thought of.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { basename } from 'node:path';

import {
  defaultCounterIndex,
  defaultExtendIndex,
} from '../../daemon/src/hardware/device-settings.ts';
import { commandCode } from '../backends/tpm-proxy.ts';

/** Every command that changes nothing that another could see: they are met as one step. */
export const reading = 'a read of the TPM';

const readingCommands: ReadonlySet<number> = new Set([
  ...[commandCode.getCapability, commandCode.getTestResult, commandCode.nvRead],
  ...[commandCode.nvReadPublic, commandCode.pcrRead, commandCode.readClock],
  ...[commandCode.readPublic, commandCode.contextSave, commandCode.contextLoad],
  ...[commandCode.getRandom, commandCode.policyGetDigest],
]);

/** Commands that mean one thing each. */
const plainCommands: ReadonlyMap<number, string> = new Map([
  [commandCode.startup, 'Startup'],
  [commandCode.flushContext, 'FlushContext'],
  [commandCode.pcrExtend, 'PCR_Extend'],
  [commandCode.sign, 'Sign, of the checkpoint'],
  [commandCode.certifyCreation, 'CertifyCreation, of the checkpoint key'],
  [commandCode.dictionaryAttackParameters, 'DictionaryAttackParameters'],
  [commandCode.evictControl, 'EvictControl, of the storage root key'],
  [commandCode.policySecret, 'PolicySecret'],
  [commandCode.certify, 'Certify'],
  [commandCode.loadExternal, 'LoadExternal, of the approving key'],
  [commandCode.verifySignature, 'VerifySignature, of an approval'],
  [commandCode.policyPcr, 'PolicyPCR'],
  [commandCode.policyAuthorize, 'PolicyAuthorize'],
  [commandCode.unseal, 'Unseal, of a PIN'],
]);

const indexNames: ReadonlyMap<number, string> = new Map([
  [defaultCounterIndex, 'the counter'],
  [defaultExtendIndex, 'the extend index'],
]);

/** The handles that provisioning uses (Part 2 §7.4, and the storage root key's place). */
const handleNames: ReadonlyMap<number, string> = new Map([
  [0x40000001, 'owner'],
  [0x4000000a, 'lockout'],
  [0x4000000b, 'endorsement'],
  [0x81000001, 'the checkpoint key'],
]);

/** Written more than once, each time of another stage. */
const stagedFiles: ReadonlySet<string> = new Set(['tpm.json', 'token-pin.json']);

/** Calls of the token's module, as `token-tap.c` names them. */
export const tokenClass = 'token';

const headerSizeBytes = 10;
/** TPM_SE_POLICY and TPM_ALG_KEYEDHASH, Part 2 §6.11 and §6.3. */
const policySession = 1;
const sealedType = 0x0008;
/** The anchor PCR alone, at the end of TPM2_Quote; a boot entry's quote has others too. */
const anchorPcrBits = Buffer.from('004000', 'hex');

/** Segment and record headers of the journal (native/src/core/journal/segment.h). */
const segmentHeaderBytes = 4096;
const recordHeaderBytes = 40;
const recordAlignment = 8;
const recordMagic = 0x4b726563;
const groupType = 1;
const checkpointType = 2;
const prepareType = 3;
const recordNames: ReadonlyMap<number, string> = new Map([
  [4, 'scope key'],
  [5, 'stop record'],
  [6, 'chunk of a body'],
  [7, 'record of a retirement'],
]);

/** Of one process; what it did before tells the first prepare record from the second. */
export class StepNames {
  /** Headers of the records of a segment, as they were at its last sync. */
  readonly #records = new Map<string, readonly Buffer[]>();
  #isSegmentNew = false;
  #getTimes = 0;
  #isCertified = false;
  #isSigned = false;
  #isAnchored = false;

  ofCommand(command: Buffer): string {
    const code = command.readUInt32BE(6);
    if (readingCommands.has(code)) return reading;
    if (code === commandCode.startAuthSession) return ofSession(command);
    const plain = plainCommands.get(code);
    if (code === commandCode.sign) this.#isSigned = true;
    return plain ?? this.#ofHandle(code, command);
  }

  /** A call on a file below the state folder. */
  ofCall(call: string, fileClass: string, path: string): string {
    if (fileClass === tokenClass) return `${call}, of the token`;
    if (fileClass !== 'segment') return `${call} of ${nameOfFile(fileClass, path)}`;
    if (call !== 'rename') return this.#ofSync(path);
    this.#isSegmentNew = true;
    return 'segment named';
  }

  #ofHandle(code: number, command: Buffer): string {
    const handle = command.readUInt32BE(headerSizeBytes);
    const name = handleNames.get(handle) ?? `0x${handle.toString(16)}`;
    switch (code) {
      case commandCode.getTime:
        this.#getTimes += 1;
        return this.#getTimes % 2 === 1 ? 'GetTime (L)' : 'GetTime (R)';
      case commandCode.nvCertify:
        return this.#ofCertify(command);
      case commandCode.quote:
        return command.subarray(-anchorPcrBits.length).equals(anchorPcrBits)
          ? 'Quote, of the anchor PCR'
          : 'Quote, of the boot';
      case commandCode.nvIncrement:
        return 'NV_Increment';
      case commandCode.nvExtend:
        return 'NV_Extend';
      case commandCode.nvDefineSpace:
        return `NV_DefineSpace, of ${definedIndex(command)}`;
      case commandCode.hierarchyChangeAuth:
        return `HierarchyChangeAuth, of the ${name}`;
      case commandCode.createPrimary:
        return `CreatePrimary, under the ${name}`;
      case commandCode.create:
      case commandCode.load: {
        const what = code === commandCode.create ? 'Create' : 'Load';
        if (handle !== 0x81000001) return `${what}, of the attestation key`;
        const isSealed = definedType(command) === sealedType;
        return `${what}, of ${isSealed ? 'a sealed PIN' : 'the checkpoint key'}`;
      }
    }
    return `command 0x${code.toString(16)}`;
  }

  #ofCertify(command: Buffer): string {
    // The key, the authorisation, the index.
    const index = command.readUInt32BE(headerSizeBytes + 8);
    if (index === defaultCounterIndex) {
      this.#getTimes = 0;
      this.#isCertified = true;
      return 'NV_Certify, of the counter (N)';
    }
    return `NV_Certify, of ${indexNames.get(index) ?? index.toString(16)}`;
  }

  #ofSync(path: string): string {
    const before = this.#records.get(path);
    const records = recordsOf(path);
    this.#records.set(path, records);
    if (before === undefined && !this.#isSegmentNew) return 'recovered segment';
    this.#isSegmentNew = false;
    // A torn record that was cut off has made room for another one.
    const kept = records.findIndex((record, at) => before?.[at]?.equals(record) !== true);
    const added = kept === -1 ? [] : records.slice(kept);
    if (added.length === 0) return 'sync without a record';
    return [...new Set(added.map((record) => this.#ofRecord(record.readUInt8(4))))].join(' and ');
  }

  #ofRecord(type: number): string {
    if (type === prepareType) {
      const isSecond = this.#isCertified;
      this.#isCertified = false;
      return isSecond ? 'second prepare record' : 'prepare record';
    }
    if (type === checkpointType) {
      const covers = this.#isAnchored;
      this.#isAnchored = false;
      return covers ? 'covering checkpoint record' : 'checkpoint record';
    }
    if (type !== groupType) return recordNames.get(type) ?? `record of type ${type}`;
    if (!this.#isSigned) return 'group of entries';
    this.#isSigned = false;
    this.#isAnchored = true;
    return 'anchor entry';
  }
}

/** Part 3 §11.1: two handles, a nonce, a salt, and the kind of session. */
function ofSession(command: Buffer): string {
  const kind = command.readUInt8(behind(command, behind(command, headerSizeBytes + 8)));
  return kind === policySession ? 'StartAuthSession, of a policy' : 'StartAuthSession';
}

/** Of what is made or loaded: a handle, authorisations, the secret part, the public one. */
function definedType(command: Buffer): number {
  const authorisations = headerSizeBytes + 4;
  const secret = authorisations + 4 + command.readUInt32BE(authorisations);
  return command.readUInt16BE(behind(command, secret) + 2);
}

/** The place behind a TPM2B. */
function behind(command: Buffer, at: number): number {
  return at + 2 + command.readUInt16BE(at);
}

function definedIndex(command: Buffer): string {
  for (const [index, name] of indexNames) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(index);
    if (command.includes(bytes)) return name;
  }
  return 'another index';
}

/** A folder, or a file, with the stage that it says it is of. */
function nameOfFile(fileClass: string, path: string): string {
  if (fileClass !== 'other') return fileClass;
  const name = basename(path);
  if (!stagedFiles.has(name.replace(/\.new$/u, ''))) return name;
  // What gets its name has the other one until then.
  const text = readFileSync(existsSync(`${path}.new`) ? `${path}.new` : path, 'utf8');
  const [, stage] = /"stage": "(\w+)"/u.exec(text) ?? [];
  return `${name}, ${stage}`;
}

/** The headers of its records; the room behind them is zeros. */
function recordsOf(path: string): Buffer[] {
  const found: Buffer[] = [];
  const file = openSync(path, 'r');
  try {
    for (let at = segmentHeaderBytes; ;) {
      const header = Buffer.alloc(recordHeaderBytes);
      readSync(file, header, 0, header.length, at);
      if (header.readUInt32BE(0) !== recordMagic) return found;
      found.push(header);
      const bytes = recordHeaderBytes + header.readUInt32BE(8);
      at += Math.ceil(bytes / recordAlignment) * recordAlignment;
    }
  } finally {
    closeSync(file);
  }
}
