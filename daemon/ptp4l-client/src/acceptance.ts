/**
 * Which datagrams are ptp4l's own words. ptp4l hands on what comes from the network: a RESPONSE
 * that anybody sent to UDP port 320 reaches the last client of its Unix socket. So nothing counts
 * but what the kernel says came from ptp4l's socket and user, is sent to our random identity, from
 * the one local clock, and answers what was asked.
 */
import { decodePtpManagement, ProofError, PTP_MANAGEMENT_IDS } from '@kudurru/proof';
import type { PtpManagementMessage, PtpManagementName, PtpPortIdentity } from '@kudurru/proof';
import type { Datagram } from '@kudurru/native';

export type RejectionReason =
  /** Not a management message of exact form, or cut off. */
  | 'malformed'
  /** The kernel names another user as its sender, or none. */
  | 'sender'
  /** It was not sent from ptp4l's socket. */
  | 'path'
  /** Another domain or transport than was asked in. */
  | 'domain'
  /** Not a RESPONSE. */
  | 'action'
  /** Not sent to this client's identity. */
  | 'target'
  /** Not from the local clock. */
  | 'clock'
  /** Answers nothing that was asked. */
  | 'sequence'
  /** Answers what was asked, with something else. */
  | 'management-id'
  /** The port has answered already. */
  | 'duplicate'
  /** Answers what is over. */
  | 'late';

/** What was asked and is waited for. */
export interface Question {
  readonly name: PtpManagementName;
  /** Ports that have answered. */
  readonly answered: ReadonlySet<number>;
}

export interface Circumstances {
  readonly allowedUids: readonly number[];
  /** Whether a datagram from this path is from ptp4l's socket. */
  readonly isServerPath: (path: string) => boolean;
  readonly domainNumber: number;
  readonly transportSpecific: number;
  readonly self: PtpPortIdentity;
  /** Null only while it is being learned. */
  readonly clockIdentity: string | null;
  readonly questions: ReadonlyMap<number, Question>;
  /** Sequences of questions that were answered or given up lately. */
  readonly over: ReadonlySet<number>;
  /** Management identifiers that come unasked, by subscription. */
  readonly pushed: ReadonlySet<number>;
}

export type Judgement =
  | {
      readonly accepted: 'reply' | 'push';
      readonly message: PtpManagementMessage;
    }
  | { readonly accepted: false; readonly reason: RejectionReason; readonly explanation: string };

/** Pure; throws nothing. */
export function judge(datagram: Datagram, circumstances: Circumstances): Judgement {
  const { sender, from } = datagram;
  if (sender === null || !circumstances.allowedUids.includes(sender.uid)) {
    const who = sender === null ? 'nobody' : `user ${sender.uid} (process ${sender.pid})`;
    return rejected('sender', `the kernel names ${who} as its sender`);
  }
  if (!circumstances.isServerPath(from)) return rejected('path', `sent from "${from}"`);
  if (datagram.truncated) return rejected('malformed', 'longer than a management message can be');
  try {
    return judgeMessage(decodePtpManagement(datagram.bytes), circumstances);
  } catch (error) {
    if (error instanceof ProofError) return rejected('malformed', error.message);
    throw error;
  }
}

function judgeMessage(message: PtpManagementMessage, circumstances: Circumstances): Judgement {
  const { self, clockIdentity } = circumstances;
  const { action, targetPortIdentity: target, sourcePortIdentity: source } = message;
  if (action !== 'RESPONSE') return rejected('action', `a ${action}`);
  const isOurDomain =
    message.domainNumber === circumstances.domainNumber &&
    message.transportSpecific === circumstances.transportSpecific;
  if (!isOurDomain) return rejected('domain', `of domain ${message.domainNumber}`);
  if (target.clockIdentity !== self.clockIdentity || target.portNumber !== self.portNumber) {
    return rejected('target', `for ${target.clockIdentity}-${target.portNumber}`);
  }
  if (clockIdentity !== null && source.clockIdentity !== clockIdentity) {
    return rejected('clock', `from clock ${source.clockIdentity}, not ${clockIdentity}`);
  }
  return judgeAnswer(message, circumstances);
}

function judgeAnswer(message: PtpManagementMessage, circumstances: Circumstances): Judgement {
  const { sequenceId, body, sourcePortIdentity } = message;
  const question = circumstances.questions.get(sequenceId);
  const wanted = question === undefined ? null : PTP_MANAGEMENT_IDS[question.name].id;
  if (question !== undefined && body.managementId === wanted) {
    if (question.answered.has(sourcePortIdentity.portNumber)) {
      return rejected('duplicate', `port ${sourcePortIdentity.portNumber} has answered`);
    }
    return { accepted: 'reply', message };
  }
  if (body.type === 'data' && circumstances.pushed.has(body.managementId)) {
    return { accepted: 'push', message };
  }
  const id = body.managementId.toString(16).padStart(4, '0');
  if (question !== undefined) return rejected('management-id', `about 0x${id}`);
  if (circumstances.over.has(sequenceId)) return rejected('late', `about 0x${id}`);
  return rejected('sequence', `sequence ${sequenceId} was not asked`);
}

function rejected(reason: RejectionReason, explanation: string): Judgement {
  return { accepted: false, reason, explanation };
}
