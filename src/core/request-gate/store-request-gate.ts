import type { RateLimitStore } from '../rate-limit/rate-limit.store.js';
import { RequestGate, type Admission, type Entrance } from './request-gate.js';

/** Asks the limits only: where nothing is shared, this process knows every revocation, and the cache is next door. */
export class StoreRequestGate extends RequestGate {
  constructor(private readonly limits: RateLimitStore) {
    super();
  }

  async enter({ limit }: Entrance): Promise<Admission> {
    const [result] = await this.limits.consume([limit]);
    return { limit: result!, isRevoked: false };
  }
}
