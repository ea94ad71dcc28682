/** Whether a route is asked by machines, every few seconds, to see whether this one is well. */
export const isProbe = (route: string | undefined): boolean =>
  route !== undefined && (route.startsWith('/api/health') || route === '/metrics');
