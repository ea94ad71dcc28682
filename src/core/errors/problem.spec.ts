import { TimeLimitReached } from '../http/time-limit.js';
import { ForbiddenException, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import mongoose from 'mongoose';
import {
  InputInvalid,
  RateLimited,
  RoleRequired,
  StoreUnavailable,
  TokenInvalid,
  TokenMissing,
} from './core.errors.js';
import { defineError } from './domain-error.js';
import { problemHeaders, problemOf, toDomainError } from './problem.js';

const { mongo } = mongoose;
const serverError = (code: number): Error => new mongo.MongoServerError({ message: 'at db.internal:27017', code });

describe('toDomainError', () => {
  it('lets an error of the domain through', () => {
    const error = new InputInvalid();
    expect(toDomainError(error)).toBe(error);
  });

  it.each([
    ['a lost connection', new mongo.MongoNetworkError('connect ECONNREFUSED 10.0.0.1:27017'), 'store.unavailable'],
    ['a time limit of the server', serverError(50), 'store.unavailable'],
    ['a lost primary', serverError(10107), 'store.unavailable'],
    ['a full disk', serverError(14031), 'store.unavailable'],
    ['a bad query', serverError(2), 'internal'],
    ['a duplicate key nobody expected', serverError(11000), 'internal'],
    ['a URL that cannot be decoded', Object.assign(new Error('bad'), { statusCode: 400 }), 'request.malformed'],
    ['a media type', Object.assign(new Error('bad'), { statusCode: 415 }), 'request.unsupported_media_type'],
    ['a body too large', Object.assign(new Error('bad'), { statusCode: 413 }), 'request.too_large'],
    ['a handler that took too long', new TimeLimitReached(2000), 'request.timeout'],
    ['an unknown route', new NotFoundException(), 'route.not_found'],
    ['a refusing guard', new ForbiddenException(), 'auth.forbidden'],
    ['a 503 of Nest', new ServiceUnavailableException(), 'request.timeout'],
    ['a bug', new TypeError('x is undefined'), 'internal'],
    ['a string', 'boom', 'internal'],
    ['nothing', undefined, 'internal'],
    ['a strange status', Object.assign(new Error('x'), { statusCode: 200 }), 'internal'],
  ])('turns %s into a problem of the catalogue', (_what, thrown, code) => {
    expect(toDomainError(thrown).code).toBe(code);
  });

  it('says nothing of what the driver said', () => {
    const problem = problemOf(toDomainError(serverError(50)), { id: 'r', path: '/' }, 'http://x');
    expect(JSON.stringify(problem)).not.toContain('db.internal');
  });
});

describe('problemOf', () => {
  const request = { id: 'request-1', path: '/api/v1/tasks' };

  it('has the members of RFC 9457, a stable code and the request id', () => {
    const errors = [{ pointer: '/title', code: 'is_string', message: 'must be a string' }];
    expect(problemOf(new InputInvalid({ errors }), request, 'https://tasks.example.com')).toEqual({
      type: 'https://tasks.example.com/api/docs/errors#input.invalid',
      title: 'The input does not have the expected form.',
      status: 422,
      code: 'input.invalid',
      detail: 'The input does not have the expected form.',
      instance: '/api/v1/tasks',
      requestId: 'request-1',
      errors,
    });
  });

  it('gives the detail of this time beside the title of every time', () => {
    const problem = problemOf(new RateLimited({ detail: 'Slow down.' }), request, 'http://x');
    expect(problem).toMatchObject({ title: 'Too many requests.', detail: 'Slow down.', status: 429 });
    expect(problem).not.toHaveProperty('errors');
  });
});

describe('problemHeaders', () => {
  it('name the scheme with every 401, and why a token was refused', () => {
    expect(problemHeaders(new TokenMissing())).toEqual({ 'www-authenticate': 'Bearer' });
    expect(problemHeaders(new TokenInvalid())).toEqual({ 'www-authenticate': 'Bearer error="invalid_token"' });
    expect(problemHeaders(new RoleRequired())).toEqual({});
  });

  it('say when to come again, in whole seconds and at least one', () => {
    expect(problemHeaders(new RateLimited({ retryAfterSeconds: 1.2 }))).toEqual({ 'retry-after': '2' });
    expect(problemHeaders(new RateLimited({ retryAfterSeconds: 0 }))).toEqual({ 'retry-after': '1' });
    expect(problemHeaders(new StoreUnavailable())).toEqual({ 'retry-after': '2' });
  });

  it('carry what the error brings', () => {
    expect(problemHeaders(new InputInvalid({ headers: { etag: '"3"' } }))).toEqual({ etag: '"3"' });
  });
});

describe('defineError', () => {
  it('refuses a code that is taken', () => {
    expect(() => defineError('input.invalid', 'invalid', 'again')).toThrow(/input\.invalid is defined twice/);
  });
});
