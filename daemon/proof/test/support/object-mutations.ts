/** Every change of a single field of a decoded value that keeps its type. */
export interface ObjectMutation<T> {
  readonly path: string;
  readonly value: T;
}

/** `value` with one leaf changed, once for each leaf; objects and arrays are copied on the way. */
export function* objectMutationsOf<T>(value: T): Generator<ObjectMutation<T>, void, void> {
  for (const [path, changed] of mutate(value)) yield { path, value: changed as T };
}

function* mutate(value: unknown): Generator<readonly [string, unknown], void, void> {
  if (typeof value === 'bigint') yield ['+1', value + 1n];
  else if (typeof value === 'number') yield ['+1', value + 1];
  else if (typeof value === 'boolean') yield [' toggled', !value];
  else if (typeof value === 'string') yield [' changed', `${value}x`];
  else if (value instanceof Uint8Array) yield* mutateBytes(value);
  else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      for (const [path, changed] of mutate(item)) yield [`[${i}]${path}`, value.with(i, changed)];
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      for (const [path, changed] of mutate(member)) {
        yield [`.${name}${path}`, { ...value, [name]: changed }];
      }
    }
  }
}

function* mutateBytes(bytes: Uint8Array): Generator<readonly [string, unknown], void, void> {
  const changed = bytes.slice();
  const last = changed.length - 1;
  changed[last] = (changed[last] ?? 0) ^ 1;
  yield [' flipped', changed];
}
