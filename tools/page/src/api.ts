import type { Case, CaseRow, Evidence, Media, Samples, Twin } from './types';

/** A request that the server answered with an error; its message is for people. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string) { super(message); }
}

async function request(path: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(path, { signal: signal ?? null });
  if (response.ok) return response;
  let message = `The server answered ${response.status}`;
  try { message = ((await response.json()) as { error: { message: string } }).error.message; } catch { /* not JSON */ }
  throw new ApiError(response.status, message);
}

async function json<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, signal)).json() as Promise<T>;
}

const e = encodeURIComponent;

export const listCases = async () => (await json<{ cases: CaseRow[] }>('/api/cases')).cases;
export const getCase = (id: string) => json<Case>(`/api/cases/${e(id)}`);
export const getSamples = (id: string, stream: string, channel: string, from: number, to: number,
  buckets: number, signal: AbortSignal) =>
  json<Samples>(`/api/cases/${e(id)}/samples?stream=${e(stream)}&channel=${e(channel)}&from=${from}&to=${to}&buckets=${buckets}`, signal);
export const getTwin = (id: string, variable: string, from: number, to: number, buckets: number,
  signal: AbortSignal) =>
  json<Twin>(`/api/cases/${e(id)}/twin?variable=${e(variable)}&from=${from}&to=${to}&buckets=${buckets}`, signal);
export const getEvidence = (id: string, finding: string) =>
  json<Evidence>(`/api/cases/${e(id)}/findings/${e(finding)}`);
export const getMedia = (id: string, stream: string) =>
  json<Media>(`/api/cases/${e(id)}/media/${e(stream)}`);
export const getInit = async (id: string, stream: string) =>
  (await request(`/api/cases/${e(id)}/media/${e(stream)}/init`)).arrayBuffer();

/** A run of fragments; `offset` turns media time into case time. */
export interface MediaRun { bytes: ArrayBuffer; offset: number; first: number; next: number | null }

export async function getRun(id: string, stream: string, from: number, to: number): Promise<MediaRun> {
  const response = await request(`/api/cases/${e(id)}/media/${e(stream)}/data?from=${from}&to=${to}`);
  const next = response.headers.get('X-Casebox-Next-S');
  return {
    bytes: await response.arrayBuffer(),
    offset: Number(response.headers.get('X-Casebox-Offset-S')),
    first: Number(response.headers.get('X-Casebox-First-S')),
    next: next === null ? null : Number(next),
  };
}
