// The worker process, `ROLE=worker`: relay, schedules, jobs. It listens for health probes and metrics only.
process.env['ROLE'] = 'worker';
await import('./main.js');
