import { Line, Locale, Optional, TimeZone } from '../../core/http/fields.js';

/** A JSON merge patch: what is absent stays as it is; nothing here can be null. */
export class UpdateProfile {
  /** @example 'Ada King' */
  @Optional() @Line(100) name?: string;
  /** @example 'Europe/London' */
  @Optional() @TimeZone() timeZone?: string;
  /** @example 'en-GB' */
  @Optional() @Locale() locale?: string;
}
