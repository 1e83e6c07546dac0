// Checks of arguments on behalf of the C++ side, which reads them without looking again: a value of
// the wrong type would be undefined behaviour there, so it stops here.

export function checkBytes(value: unknown, name: string, sizeBytes?: number): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} is not a Uint8Array`);
  if (value.buffer instanceof SharedArrayBuffer) {
    throw new TypeError(`${name} is backed by shared memory, which may change while it is read`);
  }
  if (sizeBytes !== undefined && value.byteLength !== sizeBytes) {
    throw new RangeError(`${name} has ${value.byteLength} bytes, not ${sizeBytes}`);
  }
}

export function checkArrayOfBytes(value: unknown, name: string): void {
  if (!Array.isArray(value)) throw new TypeError(`${name} is not an array`);
  value.forEach((item, index) => checkBytes(item, `${name}[${index}]`));
}

export function checkInteger(value: unknown, name: string, range: { min: number; max: number }) {
  if (!Number.isInteger(value)) throw new TypeError(`${name} is not an integer`);
  const integer = value as number;
  if (integer < range.min || integer > range.max) {
    throw new RangeError(`${name} is ${integer}, not in ${range.min}..${range.max}`);
  }
}
