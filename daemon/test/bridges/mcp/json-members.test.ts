import assert from 'node:assert/strict';

import fc from 'fast-check';
import { describe, it } from 'mocha';

import { membersOf } from '../../../bridges/mcp/json-members.ts';

describe('json-members', () => {
  it('gives the text of each member as it stands on the line', () => {
    const text = '{"a" : {"x":[1, 2]} ,\t"b\\n":"q\\"}",  "c":[],"d":-1.50e3}';
    const [members] = membersOf(text) ?? [];
    assert.deepEqual(Object.fromEntries(members ?? []), {
      a: '{"x":[1, 2]}',
      'b\n': '"q\\"}"',
      c: '[]',
      d: '-1.50e3',
    });
  });

  it('gives those of each message of a batch', () => {
    const batch = membersOf('[{"a":1},{"b":{"a":[{}]}}]') ?? [];
    assert.deepEqual(
      batch.map((members) => Object.fromEntries(members)),
      [{ a: '1' }, { b: '{"a":[{}]}' }],
    );
  });

  it('finds a key that stands twice, however deep and however spelled', () => {
    for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"p":{"q":[{"a":0,"a":0}]}}]']) {
      assert.equal(membersOf(text), null);
    }
    assert.notEqual(membersOf('{"a":{"a":1},"b":[{"a":1},{"a":2}]}'), null);
  });

  it('agrees with JSON.parse on every object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
          const [members = new Map<string, string>()] = membersOf(text) ?? [];
          const parsed = JSON.parse(text) as Record<string, unknown>;
          assert.deepEqual([...members.keys()], [...new Set(members.keys())]);
          assert.deepEqual([...members.keys()].toSorted(), Object.keys(parsed).toSorted());
          for (const [key, member] of members) assert.deepEqual(JSON.parse(member), parsed[key]);
        }
      }),
    );
  });
});
