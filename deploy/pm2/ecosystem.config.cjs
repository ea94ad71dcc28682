// PM2 on a machine without containers, in server mode. docs/runbook.md says how to start, reload and stop with it, and
// why `/metrics` of one shared port is of no use.
const { availableParallelism } = require('node:os');
const path = require('node:path');

const instances = Number(process.env.INSTANCES) || availableParallelism();

/** Then PM2 hands it no new connection. */
const drainSeconds = 5;

module.exports = {
  apps: [
    {
      name: 'taskflow',
      cwd: path.resolve(__dirname, '../..'),
      script: 'dist/main.js',
      exec_mode: 'cluster',
      instances,
      // A reload goes on when the new process has said that it is ready, not when it has begun to listen.
      wait_ready: true,
      listen_timeout: 30_000,
      // The longest that a process takes to end after its drain is 25 s.
      kill_timeout: (drainSeconds + 30) * 1000,
      max_memory_restart: '512M',
      exp_backoff_restart_delay: 100,
      // PM2 keeps what it gives on in its dump file, so nothing of the shell's (each name contains ''). Secrets are in `.env`.
      filter_env: [''],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        // While Redis is away each process allows its part of the limits. Behind a balancer: those of all machines.
        API_INSTANCES: process.env.API_INSTANCES ?? String(instances),
        DRAIN_SECONDS: String(drainSeconds),
      },
      pmx: false,
      vizion: false,
    },
  ],
};
