// Files on their way to the server, by tus 1.0.0: in pieces, and continued after a lost connection.
import {ApiError} from './api.js';

const piece = 4 << 20;  // bytes
const tus = {'Tus-Resumable': '1.0.0'};
const pauses = [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000];  // ms, after cuts in a row

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const sleep = (time) => new Promise((done) => { setTimeout(done, time); });

async function request(method, path, headers, body, signal) {
  const answer = await fetch(path, {method, headers: {...tus, ...headers}, body, signal});
  if (answer.ok) return answer;
  throw new ApiError(answer.status, await answer.json().catch(() => ({})));
}

/** Sends a file and returns its upload's id. `progress` is called with a share from 0 to 1, and a note while the server
 *  is away; `signal` ends it. */
export async function upload(file, progress, signal) {
  const made = await request('POST', '/api/v1/uploads',
    {'Upload-Length': String(file.size), 'Upload-Metadata': `filename ${base64(file.name)}`}, undefined, signal);
  const place = made.headers.get('Location');
  let offset = 0;
  let cuts = 0;
  progress(0, '');
  while (offset < file.size) {
    try {
      const answer = await request('PATCH', place,
        {'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream'}, file.slice(offset, offset + piece), signal);
      offset = Number(answer.headers.get('Upload-Offset'));
      cuts = 0;
      progress(offset / file.size, '');
    } catch (error) {
      if (signal?.aborted) {
        fetch(place, {method: 'DELETE', headers: tus}).catch(() => {});
        throw error;
      }
      const mayPass = !(error instanceof ApiError) || error.status === 409 || error.status >= 502;
      if (!mayPass || cuts === pauses.length) throw error instanceof ApiError ? error : new ApiError(0, {detail: 'The connection was lost too often.'});
      progress(offset / file.size, 'The connection was lost; it continues.');
      await sleep(pauses[cuts]);
      cuts += 1;
      offset = await continues(place, offset, signal);
    }
  }
  return place.split('/').at(-1);
}

// Where an upload continues; the same place while the server does not answer.
async function continues(place, offset, signal) {
  try {
    return Number((await request('HEAD', place, {}, undefined, signal)).headers.get('Upload-Offset'));
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) throw error;
    return offset;
  }
}
