/** @kudurru/ptp4l-client: what ptp4l knows, asked so that the network cannot answer for it. */
export { judge } from './acceptance.ts';
export type { Circumstances, Judgement, Question, RejectionReason } from './acceptance.ts';
export { Ptp4lClient } from './client.ts';
export type { Accepted, ClientOptions, Rejected } from './client.ts';
export { Ptp4lError } from './client-error.ts';
export type { ClientErrorCode } from './client-error.ts';
export { DEFAULT_PLACES, findServer, requireOwner } from './server-socket.ts';
export type { ServerPlace } from './server-socket.ts';
