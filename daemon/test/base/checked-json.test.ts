import assert from 'node:assert/strict';

import * as fc from 'fast-check';
import { describe, it } from 'mocha';

import { checkedJson, checkedJsonText } from '../../src/base/checked-json.ts';

describe('checked JSON', () => {
  const members = { version: 1, name: 'größe', keys: ['a', 'b'], nested: { empty: null } };
  const text = checkedJsonText(members);

  it('is read as it was written', () => {
    const json = fc.dictionary(
      fc.string().filter((key) => key !== 'sha256' && key !== '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(json, (any) => {
        const written = JSON.parse(JSON.stringify(any)) as Record<string, unknown>;
        assert.deepEqual(checkedJson(checkedJsonText(written)), written);
      }),
    );
  });

  it('is no longer what it says with any byte changed, added or cut off', () => {
    const bytes = Buffer.from(text);
    for (const at of bytes.keys()) {
      for (const by of [1, 0x20, 0x80]) {
        const changed = Buffer.from(bytes.with(at, (bytes[at] ?? 0) ^ by));
        assert.throws(() => checkedJson(changed.toString('latin1')), Error, `byte ${at}`);
        assert.throws(() => checkedJson(changed.toString()), Error, `byte ${at}`);
      }
      assert.throws(() => checkedJson(bytes.subarray(0, at).toString()), Error, `cut at ${at}`);
    }
    assert.throws(() => checkedJson(`${text}\n`), /not what its digest says/u);
    assert.throws(() => checkedJson(` ${text}`), /not what its digest says/u);
  });

  it('holds one order of its members, and each of them once', () => {
    const { name, ...rest } = members;
    const digest = /"sha256": "([0-9a-f]{64})"/u.exec(text)?.[1];
    const otherOrder = `${JSON.stringify({ sha256: digest, ...rest, name }, null, 2)}\n`;
    assert.throws(() => checkedJson(otherOrder), /not what its digest says/u);
    const twice = text.replace('"version": 1,', '"version": 2,\n  "version": 1,');
    assert.throws(() => checkedJson(twice), /not what its digest says/u);
  });

  it('says what is wrong with another text', () => {
    for (const other of ['[]', 'null', '1', '"text"']) {
      assert.throws(() => checkedJson(other), /it is no JSON object/u);
    }
    assert.throws(() => checkedJson('{"version":1}'), /field 'sha256' is missing/u);
    assert.throws(() => checkedJson('{"sha256":5}'), /field 'sha256' is missing/u);
    assert.throws(() => checkedJson(''), SyntaxError);
  });
});
