/**
 * @kudurru/agent: what an agent links to have its actions recorded. `connect` opens a session with
 * the ledger, `submit` signs and hands over actions and waits for the receipt.
 */
export { Agent, connect } from './agent.ts';
export type { ConnectOptions, SubmitOptions } from './options.ts';
export { jsonBody } from './action.ts';
export type { Action, PrivateBody, PrivateValue, Salts } from './action.ts';
export { AGENT_ERROR_CODES, AgentError } from './agent-error.ts';
export type { AgentErrorCode, Retry } from './agent-error.ts';
export type { AnchoredReceipt } from './anchored-receipt.ts';
export { generateKey, loadKey } from './key.ts';
export type { SigningKey } from './key.ts';
export type { Limits, Welcome, WriterLevel } from './messages.ts';
export type { ActionReceipt, Receipt } from './receipt.ts';
export { signEnrolment } from './session-request.ts';
export type { Enrolment } from './session-request.ts';
