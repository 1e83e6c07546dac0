import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

import { isKudurruError } from '../../src/base/errors.ts';
import { findRoute, type ControlRequest } from '../../src/control/router.ts';
import { controlRoutes } from '../../src/control/routes.ts';
import type { ControlFace, Subject } from '../../src/control/views.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

describe('control routes', () => {
  it('are those of the description, no more and no fewer', () => {
    const file = new URL('../../src/control/openapi.json', import.meta.url);
    const { paths } = JSON.parse(readFileSync(file, 'utf8')) as { paths: Paths };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routed = controlRoutes(face()).map(
      ({ method, path }) => `${method} ${path.replace(/:([a-z]+)/gu, '{$1}')}`,
    );
    assert.deepEqual(described.sort(), routed.sort());
    for (const [path, methods] of Object.entries(paths)) {
      const named = [...path.matchAll(/\{([a-z]+)\}/gu)].map(([, name]) => name);
      for (const { parameters = [] } of Object.values(methods)) {
        const inPath = parameters.filter((parameter) => parameter.in === 'path');
        assert.deepEqual(
          inPath.map(({ name }) => name),
          named,
          path,
        );
      }
    }
  });

  it('name an entry in one of three ways', async () => {
    const session = 'ab'.repeat(32);
    assert.deepEqual(await subjectOf({ index: 5 }), { index: 5 });
    assert.deepEqual(await subjectOf({ session, sequence: 0 }), {
      session: new Uint8Array(32).fill(0xab),
      sequence: 0,
    });
    assert.deepEqual(await subjectOf({ externalId: 'toolu_1' }), { externalId: 'toolu_1' });
  });

  const bad: readonly (readonly [string, unknown])[] = [
    ['nothing', {}],
    ['two ways', { index: 5, externalId: 'toolu_1' }],
    ['half a way', { session: 'ab'.repeat(32) }],
    ['a fraction', { index: 1.5 }],
    ['a negative index', { index: -1 }],
    ['a short session', { session: 'ab', sequence: 0 }],
    ['an unknown member', { index: 5, verbose: true }],
    ['a list', [5]],
    ['no object', 'x'],
    ['text for a flag', { index: 5, disclose: 'yes' }],
  ];
  for (const [what, body] of bad) {
    it(`refuse ${what} as the subject of a bundle`, async () => {
      await assert.rejects(
        async () => subjectOf(body),
        (error) => isKudurruError(error, 'request-malformed'),
      );
    });
  }

  it('refuse base64 that is not canonical', async () => {
    for (const enrolment of ['AB', 'AA=', '!!!!', 'AB==']) {
      await assert.rejects(
        async () => call('POST', '/v1/agents', { body: { enrolment } }),
        (error) => isKudurruError(error, 'request-malformed'),
        enrolment,
      );
    }
  });

  it('tell a missing path from a wrong method', () => {
    const routes = controlRoutes(face());
    const codeOf = (method: string, path: string): string => {
      try {
        findRoute(routes, method, path);
        return 'found';
      } catch (error) {
        return isKudurruError(error) ? error.code : 'other';
      }
    };
    assert.equal(codeOf('GET', '/v1/status'), 'found');
    assert.equal(codeOf('GET', '/v1/agents/a%2Fb'), 'found');
    assert.equal(codeOf('DELETE', '/v1/status'), 'method-not-allowed');
    assert.equal(codeOf('GET', '/v1/bundles'), 'method-not-allowed');
    for (const path of [
      '/',
      '/v1',
      '/v1/status/',
      '/v1/agents/',
      '/v1/agents/%ff',
      '/v1/agents/%',
    ]) {
      assert.equal(codeOf('GET', path), 'path-unknown', path);
    }
  });

  it('say so where an agent is not enrolled', async () => {
    await assert.rejects(
      async () => call('GET', '/v1/agents/nobody'),
      (error) => isKudurruError(error, 'not-found'),
    );
  });
});

async function subjectOf(body: unknown): Promise<Subject> {
  const asked: Subject[] = [];
  await call('POST', '/v1/bundles', { body, asked });
  return asked[0] ?? assert.fail('the daemon was not asked');
}

interface Given {
  readonly body?: unknown;
  readonly asked?: Subject[];
}

async function call(method: string, path: string, given: Given = {}): Promise<unknown> {
  const { route, parameters } = findRoute(controlRoutes(face(given.asked)), method, path);
  const caller = { uid: 0, pid: 1 };
  const request: ControlRequest = {
    parameters,
    query: new URLSearchParams(),
    body: given.body,
    caller,
  };
  return route.handle(request);
}

/** Knows nobody, and notes the subjects of bundles. */
function face(asked: Subject[] = []): ControlFace {
  const unused = (): never => assert.fail('not part of this test');
  return {
    status: unused,
    agents: () => [],
    agent: () => null,
    giveNonce: unused,
    enrol: unused,
    time: unused,
    search: unused,
    timeHistory: unused,
    entry: unused,
    body: unused,
    bundle: (subject) => {
      asked.push(subject);
      return Promise.resolve(new Uint8Array(1));
    },
    checkpoint: unused,
    trustPolicy: unused,
    identity: unused,
    timeProfile: unused,
    orderTimeProfile: unused,
    activateTimeProfile: unused,
    attest: unused,
    examineTpm: unused,
  };
}
