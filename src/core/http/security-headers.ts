import helmet, { type HelmetOptions } from 'helmet';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * For pages: helmet's defaults, with what Swagger UI needs.
 * @param upgradeInsecureRequests not where plain http is to stay usable, as for a start on a laptop
 */
export const securityHeadersOfPages = (upgradeInsecureRequests: boolean): Readonly<Record<string, string>> =>
  headersOf({
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        upgradeInsecureRequests: upgradeInsecureRequests ? [] : null,
      },
    },
  });

/**
 * For data: what OWASP's REST Security Cheat Sheet asks of answers that are no page. The others tell a browser how to
 * show one, and would be half a kilobyte of every answer.
 */
export const securityHeadersOfAnswers = (): Readonly<Record<string, string>> =>
  headersOf({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    xFrameOptions: { action: 'deny' },
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    referrerPolicy: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });

/** What helmet puts on an answer. None of it depends on the request, so it is asked once instead of for every answer. */
function headersOf(options: HelmetOptions): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const answer = {
    setHeader: (name: string, value: string) => void (headers[name.toLowerCase()] = value),
    removeHeader: () => undefined,
  };
  helmet(options)({} as IncomingMessage, answer as unknown as ServerResponse, (error) => {
    if (error) throw error as Error;
  });
  return headers;
}
