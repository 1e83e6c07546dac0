/**
 * Finds test data: our own, committed beside the package, and published vectors outside the
 * checkout.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'mocha';

const TESTDATA = new URL('../../testdata/', import.meta.url);
const PUBLISHED = new URL('../../../../../shared/vectors/', import.meta.url);

/** Path of a file of our own test data. */
export function testdataPath(name: string): string {
  return fileURLToPath(new URL(name, TESTDATA));
}

/** Parsed JSON of our own test data. */
export function readTestdata<T>(name: string): T {
  return JSON.parse(readFileSync(testdataPath(name), 'utf8')) as T;
}

/**
 * Suite over published vectors in `folder`; pending, with the reason in its title, without them.
 */
export function describePublished(
  title: string,
  folder: string,
  suite: (path: string) => void,
): void {
  const path = fileURLToPath(new URL(folder, PUBLISHED));
  if (existsSync(path)) {
    describe(title, () => suite(path));
  } else {
    describe(title, () => {
      it(`published vectors are not at ../shared/vectors/${folder}`);
    });
  }
}
