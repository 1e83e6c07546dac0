/**
 * Questions to a u-blox receiver: the class and id of a message, with nothing in it, ask for that
 * message once. Nothing that can be made here sets anything.
 */
import { encodeUbxFrame } from './ubx-frame.ts';
import { UBX_IDS } from './ubx.ts';

const QUESTIONS = {
  /** Which receiver it is. */
  'sec-uniqid': UBX_IDS['sec-uniqid'],
  /** Its hardware and firmware: answered by what is not decoded, and kept as it is. */
  'mon-ver': [0x0a, 0x04],
} as const;
export type UbxQuestion = keyof typeof QUESTIONS;

export function encodeUbxPoll(question: UbxQuestion): Uint8Array {
  const [messageClass, messageId] = QUESTIONS[question];
  return encodeUbxFrame({ messageClass, messageId, payload: new Uint8Array(0) });
}
