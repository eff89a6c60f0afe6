// Requests to the server that this page came from; errors carry its one line.

export class Refused extends Error {
  constructor(message, status, answer) {
    super(message);
    Object.assign(this, { name: "Refused", status, answer });
  }
}

export const GONE = "The page's server does not answer. Is its command still running?";
const POLL_MS = 250;
const MAX_KEEPALIVE_BYTES = 60_000; // browsers refuse more than 64 KiB to outlive the page

export async function request(method, path, body, options = {}) {
  const headers = body === undefined || body instanceof Blob ? {} : { "Content-Type": "application/json" };
  const content = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
  const keepalive = Boolean(options.keepalive) && new Blob([content ?? ""]).size < MAX_KEEPALIVE_BYTES;
  let response;
  try {
    response = await fetch(path, { method, headers, body: content, ...options, keepalive });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(GONE, 0);
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Refused(answer.error || `The studio answered ${response.status} ${response.statusText}`, response.status, answer);
}

export const get = (path) => request("GET", path);
export const post = (path, body = {}) => request("POST", path, body);

/** Streams a file to the server; unlike fetch, a XMLHttpRequest tells how far it is. */
export function upload(path, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    sending.responseType = "json";
    sending.upload.onprogress = (event) => progress(event.loaded / event.total);
    sending.onerror = () => reject(new Refused(GONE, 0));
    sending.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    sending.onload = () => {
      if (sending.status < 300) return resolve(sending.response);
      const error = sending.response?.error || `The studio answered ${sending.status}`;
      return reject(new Refused(error, sending.status, sending.response));
    };
    signal.addEventListener("abort", () => sending.abort());
    sending.send(file);
  });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a job; `tell` gets each state. Rejects with its error, or with an AbortError if it was cancelled. */
export async function finished(job, tell = () => {}) {
  for (;;) {
    const now = await get(`/api/jobs/${job}`);
    tell(now);
    if (now.state === "done") return now.result;
    if (now.state === "failed") throw new Refused(now.error || "It failed", 500);
    if (now.state === "cancelled") throw new DOMException("Cancelled", "AbortError");
    await pause(POLL_MS);
  }
}
