import helmet from 'helmet';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * What helmet puts on an answer. None of it depends on the request, so it is asked once instead of for every answer.
 * Its defaults, with what Swagger UI needs.
 * @param upgradeInsecureRequests not where plain http is to stay usable, as for a start on a laptop
 */
export function securityHeaders(upgradeInsecureRequests: boolean): Readonly<Record<string, string>> {
  const protect = helmet({
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
  const headers: Record<string, string> = {};
  const answer = {
    setHeader: (name: string, value: string) => void (headers[name.toLowerCase()] = value),
    removeHeader: () => undefined,
  };
  protect({} as IncomingMessage, answer as unknown as ServerResponse, (error) => {
    if (error) throw error as Error;
  });
  return headers;
}
