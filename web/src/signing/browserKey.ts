/**
 * The key that this browser signs with: one for each person in an
 * organization, in IndexedDB. The browser keeps the private half so that it can
 * be used here and read out by nobody, not by this app either.
 */
import type { Signer } from "#protocol/signatures/jws.ts";
import { thumbprintOf } from "#protocol/signatures/keys.ts";
import { generateSigningKey, signerOf } from "#protocol/signatures/webCrypto.ts";

const DATABASE = "farhand-signing";
const STORE = "keys";

/** Whose key it is. */
export interface KeyOwner {
  organizationId: string;
  userId: string;
}

interface StoredKey {
  publicKey: string;
  privateKey: CryptoKey;
}

export type BrowserKey = Signer & { fingerprint: string };

/** @throws the browser's own error where it has no storage */
export async function loadBrowserKey(owner: KeyOwner): Promise<BrowserKey | null> {
  const stored = await inStore("readonly", (store) => store.get(nameOf(owner)));
  return isStoredKey(stored) ? toBrowserKey(stored) : null;
}

/** Makes a key; it is this browser's once it was kept. @throws Error in words where the browser cannot */
export async function makeBrowserKey(): Promise<{ key: BrowserKey; keep(owner: KeyOwner): Promise<void> }> {
  if (!isSecureContext) throw new Error("Browsers only sign on pages that came over https.");
  // Older ones do not know Ed25519.
  const made = await generateSigningKey("EdDSA").catch(() => generateSigningKey("ES256"));
  return {
    key: await toBrowserKey(made),
    keep: async (owner) => {
      await inStore("readwrite", (store) => store.put(made, nameOf(owner)));
    },
  };
}

export async function forgetBrowserKey(owner: KeyOwner): Promise<void> {
  await inStore("readwrite", (store) => store.delete(nameOf(owner)));
}

async function toBrowserKey(stored: StoredKey): Promise<BrowserKey> {
  return { ...signerOf(stored), fingerprint: await thumbprintOf(stored.publicKey) };
}

function nameOf({ organizationId, userId }: KeyOwner): string {
  return `${organizationId}/${userId}`;
}

function isStoredKey(value: unknown): value is StoredKey {
  if (typeof value !== "object" || value === null) return false;
  return (
    "publicKey" in value &&
    typeof value.publicKey === "string" &&
    "privateKey" in value &&
    value.privateKey instanceof CryptoKey
  );
}

async function inStore(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest,
): Promise<unknown> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  await settled(opening);
  const database = opening.result;
  try {
    const request = work(database.transaction(STORE, mode).objectStore(STORE));
    await settled(request);
    return request.result;
  } finally {
    database.close();
  }
}

function settled(request: IDBRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}
