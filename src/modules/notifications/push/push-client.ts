import { Injectable } from '@nestjs/common';
import { request as requestHttp, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { AppConfig } from '../../../config/config.js';
import { isPublicAddress, lookupPublic } from './public-addresses.js';
import type { PushSubscription } from './push-subscription.js';

export interface PushMessage {
  readonly payload: string;
  /** Of the same topic a browser that was away gets the last one only. At most 32 characters of base64url. */
  readonly topic: string;
  /** How long a push service keeps it for a browser that is away. */
  readonly ttlSeconds: number;
}

/** Encrypts pushes (RFC 8291), signs them (RFC 8292), and brings them to push services (RFC 8030). */
@Injectable()
export class PushClient {
  constructor(private readonly config: AppConfig) {}

  /** Whether there may be a push service: in production https, and nothing inside our own network. */
  accepts(endpoint: string): boolean {
    if (!URL.canParse(endpoint)) return false;
    const { protocol, hostname, username } = new URL(endpoint);
    if (username !== '') return false;
    if (!this.config.production) return protocol === 'https:' || protocol === 'http:';
    const address = hostname.replace(/^\[|\]$/g, '');
    return protocol === 'https:' && (isIP(address) === 0 || isPublicAddress(address));
  }

  /** @returns the status that the push service answered with. @throws when there is none, or no answer */
  async send(subscription: PushSubscription, message: PushMessage, signal: AbortSignal): Promise<number> {
    const { endpoint, p256dh, auth } = subscription;
    if (!this.accepts(endpoint)) throw new Error('the endpoint is not allowed');
    // Not loaded before there is a push.
    const { default: webPush } = await import('web-push');
    const { headers, body } = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, message.payload, {
      vapidDetails: this.config.push!,
      TTL: message.ttlSeconds,
      topic: message.topic,
      urgency: 'high',
      contentEncoding: 'aes128gcm',
    });
    const lookup = this.config.production ? { lookup: lookupPublic } : {};
    return post(new URL(endpoint), { method: 'POST', headers, signal, ...lookup }, body);
  }
}

/** A redirect is an answer like any other: it could lead inside. */
function post(url: URL, options: RequestOptions, body: Buffer | null): Promise<number> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      response.on('error', () => undefined).resume();
      resolve(response.statusCode!);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
