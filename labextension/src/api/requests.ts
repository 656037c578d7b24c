/** How requests to Alphintra's part of the server are sent, and what becomes of their answers. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { ApiError, problemFrom } from './problem.js';

type Query = Record<string, string | number | boolean | undefined>;

/** How long a list may take. */
export const LIST_MS = 10_000;

export class Requests {
  constructor(protected readonly settings: ServerConnection.ISettings) {}

  /** The address of an endpoint, for links that the browser opens itself. */
  url(path: string): string {
    return URLExt.join(this.settings.baseUrl, 'api', path);
  }

  /** Resolves if the server answers at all. */
  async health(): Promise<void> {
    const response = await ServerConnection.makeRequest(
      URLExt.join(this.settings.baseUrl, 'health'),
      { cache: 'no-cache', signal: AbortSignal.timeout(LIST_MS) },
      this.settings
    );
    if (!response.ok) {
      throw new ApiError(problemFrom(response.status, response.statusText, null));
    }
  }

  protected get<T>(
    path: string,
    query: Query = {},
    signal?: AbortSignal
  ): Promise<T> {
    return this.request<T>(`${path}${searchOf(query)}`, { signal });
  }

  protected post<T>(path: string, body: Record<string, unknown>): Promise<T> {
    return this.change('POST', path, body);
  }

  protected change<T>(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: Record<string, unknown>
  ): Promise<T> {
    return this.request<T>(path, {
      method,
      body: JSON.stringify(body)
    });
  }

  /**
   * Send a request whose headers matter, such as those of an upload.
   *
   * Throws an `ApiError` where there is no answer, or it is not one of success.
   */
  async send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        this.url(path),
        // With Lab's own 'no-store' a time stamp is added to the query, which the
        // server refuses as an unknown field.
        { cache: 'no-cache', ...init },
        this.settings
      );
    } catch (error) {
      throw new ApiError({
        status: 0,
        title: error instanceof Error ? error.message : String(error)
      });
    }
    if (!response.ok) {
      throw new ApiError(
        problemFrom(
          response.status,
          response.statusText,
          parsed(await response.text()),
          response.headers.get('Retry-After')
        )
      );
    }
    return response;
  }

  protected async request<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.send(path, init);
    return parsed(await response.text()) as T;
  }
}

/** A query as an address has it, of what is not left out. */
export function searchOf(query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return search ? `?${search}` : '';
}

/** The JSON of an answer; of a proxy's HTML page, whose status is all there is to say, nothing. */
function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
