/**
 * The control socket's paths. Each route reads its fields, asks the daemon and shapes the answer;
 * openapi.json describes them and a test holds the two together.
 */
import { readFileSync } from 'node:fs';

import { KudurruError } from '../base/errors.ts';
import { Fields } from './fields.ts';
import { json, type ControlAnswer, type ControlRequest, type Route } from './router.ts';
import type { ControlFace, Subject } from './views.ts';

const description = readFileSync(new URL('./openapi.json', import.meta.url), 'utf8');

export function controlRoutes(face: ControlFace): readonly Route[] {
  const get = (path: string, handle: Route['handle']): Route => ({ method: 'GET', path, handle });
  const post = (path: string, handle: Route['handle']): Route => ({ method: 'POST', path, handle });
  return [
    get('/openapi.json', () => ({ status: 200, mediaType: 'application/json', body: description })),
    get('/v1/status', () => json(face.status())),
    get('/v1/agents', () => json({ agents: face.agents() })),
    get('/v1/agents/:name', (request) => showAgent(face, request)),
    post('/v1/enrolments', ({ body }) => {
      new Fields(body).end();
      return json(face.giveNonce(), 201);
    }),
    post('/v1/agents', (request) => enrol(face, request)),
    get('/v1/search', async ({ query }) => json(await face.search(query))),
    get('/v1/entries/:index', (request) => showEntry(face, request)),
    get('/v1/entries/:index/bodies/:field', (request) => showBody(face, request)),
    post('/v1/bundles', (request) => makeBundle(face, request)),
    get('/v1/checkpoint', (request) => showCheckpoint(face, request)),
    get('/v1/trust-policy', () => json(face.trustPolicy())),
    get('/v1/identity', () => json(face.identity())),
    get('/v1/time', () => json(face.time())),
    get('/v1/time/history', async ({ query }) => json(await face.timeHistory(query))),
    get('/v1/time/profile', () => json(face.timeProfile())),
    post('/v1/time/orders', (request) => orderTimeProfile(face, request)),
    post('/v1/time/profiles', (request) => activateTimeProfile(face, request)),
    post('/v1/attestations', (request) => attest(face, request)),
    post('/v1/tpm-examinations', (request) => examineTpm(face, request)),
  ];
}

function showAgent(face: ControlFace, { parameters }: ControlRequest): ControlAnswer {
  const name = parameters['name'] ?? '';
  const agent = face.agent(name);
  if (agent === null) {
    throw new KudurruError('not-found', `agent "${name}" is not enrolled in this ledger`);
  }
  return json(agent);
}

async function enrol(face: ControlFace, { body, caller }: ControlRequest): Promise<ControlAnswer> {
  const fields = new Fields(body);
  const enrolment = fields.base64('enrolment');
  const ownerContact = fields.optionalText('ownerContact');
  fields.end();
  return json(await face.enrol({ enrolment, ownerContact, caller }), 201);
}

async function showEntry(face: ControlFace, request: ControlRequest): Promise<ControlAnswer> {
  const index = new Fields(request.parameters).integer('index');
  return json(await face.entry(index));
}

async function showBody(face: ControlFace, { parameters }: ControlRequest): Promise<ControlAnswer> {
  const index = new Fields({ index: parameters['index'] }).integer('index');
  const body = await face.body(index, parameters['field'] ?? '');
  return { status: 200, mediaType: 'application/octet-stream', body };
}

async function makeBundle(face: ControlFace, { body }: ControlRequest): Promise<ControlAnswer> {
  const fields = new Fields(body);
  const subject = subjectOf(fields);
  const disclose = fields.boolean('disclose', false);
  fields.end();
  const bundle = await face.bundle(subject, disclose);
  return { status: 200, mediaType: 'application/octet-stream', body: bundle };
}

/** Exactly one of the three ways to name an entry. */
function subjectOf(fields: Fields): Subject {
  const index = fields.optionalInteger('index');
  const session = fields.optionalHash('session');
  const sequence = fields.optionalInteger('sequence');
  const externalId = fields.optionalText('externalId');
  const ways = [index, session ?? sequence, externalId].filter((way) => way !== null);
  if (ways.length === 1) {
    if (index !== null) return { index };
    if (externalId !== null) return { externalId };
    if (session !== null && sequence !== null) return { session, sequence };
  }
  throw new KudurruError(
    'request-malformed',
    'request not accepted: name the entry by "index", by "session" and "sequence", or by ' +
      '"externalId", and by one of them only',
  );
}

/** As many as an entry holds. */
const authorisationsMax = 16;

function orderTimeProfile(face: ControlFace, { body }: ControlRequest): ControlAnswer {
  const fields = new Fields(body);
  const profile = fields.base64('profile');
  const validHours = fields.integer('validHours');
  fields.end();
  return json(face.orderTimeProfile(profile, validHours), 201);
}

async function activateTimeProfile(
  face: ControlFace,
  { body }: ControlRequest,
): Promise<ControlAnswer> {
  const fields = new Fields(body);
  const order = fields.base64('order');
  const signatures = fields.base64List('signatures', authorisationsMax);
  fields.end();
  return json(await face.activateTimeProfile(order, signatures), 201);
}

async function attest(face: ControlFace, { body }: ControlRequest): Promise<ControlAnswer> {
  const fields = new Fields(body);
  const challenge = fields.base64('challenge');
  fields.end();
  const answer = await face.attest(challenge);
  return { status: 200, mediaType: 'application/octet-stream', body: answer };
}

async function examineTpm(face: ControlFace, { body }: ControlRequest): Promise<ControlAnswer> {
  const fields = new Fields(body);
  const request = { runs: fields.integer('runs'), wear: fields.boolean('wear', false) };
  fields.end();
  return json(await face.examineTpm(request));
}

async function showCheckpoint(
  face: ControlFace,
  { query }: ControlRequest,
): Promise<ControlAnswer> {
  const fields = Fields.ofQuery(query);
  const size = fields.optionalInteger('size');
  fields.end();
  const body = await face.checkpoint(size);
  return { status: 200, mediaType: 'text/plain; charset=utf-8', body };
}
