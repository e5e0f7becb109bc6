import { expect, test } from 'vitest'
import { firstDifference } from './match.ts'

// prettier-ignore
test.each<[string, unknown, unknown, string | undefined]>([
  ['what the server adds is ignored',            { a: 1 },                                   { a: 1, b: 2 },                                            undefined],
  ['a different scalar',                         { a: { b: 1 } },                            { a: { b: 2 } },                                           'a.b'],
  ['a missing field',                            { a: { b: 1 } },                            { a: {} },                                                 'a.b'],
  ['a missing map',                              { a: { b: 1 } },                            {},                                                        'a'],
  ['an empty map the server leaves out',         { a: {}, b: [], c: '', d: null },           {},                                                        undefined],
  ['a list instead of a map',                    { a: { b: 1 } },                            { a: [1] },                                                'a'],
  ['a plain list is one value: order',           { args: ['a', 'b'] },                       { args: ['b', 'a'] },                                      'args.0'],
  ['a plain list is one value: longer',          { args: ['a'] },                            { args: ['a', 'b'] },                                      'args'],
  ['a plain list is one value: shorter',         { args: ['a', 'b'] },                       { args: ['a'] },                                           'args'],
  ['a plain list emptied',                       { rules: [] },                              { rules: [{}] },                                           'rules'],
  ['defaults inside items of a plain list',      { rules: [{ a: 1 }] },                      { rules: [{ a: 1, b: 2 }] },                               undefined],
  ['a list by name: order and additions',        { env: [{ name: 'b', value: '1' }] },       { env: [{ name: 'a' }, { name: 'b', value: '1' }] },       undefined],
  ['a list by name: other value',                { env: [{ name: 'b', value: '1' }] },       { env: [{ name: 'b', value: '2' }] },                      'env.0.value'],
  ['a list by name: missing item',               { env: [{ name: 'b', value: '1' }] },       { env: [{ name: 'a' }] },                                  'env.0'],
  ['container ports, protocol defaulted',        { ports: [{ containerPort: 1 }] },          { ports: [{ containerPort: 1, protocol: 'TCP' }] },        undefined],
  ['service ports by port and protocol',         { ports: [{ port: 1, targetPort: 2 }] },    { ports: [{ port: 1, protocol: 'UDP', targetPort: 2 }] },  'ports.0'],
  ['network policy ports are one value',         { ingress: [{ ports: [{ port: 1 }] }] },    { ingress: [{ ports: [{ port: 1 }, { port: 2 }] }] },      'ingress.0.ports'],
  ['a set may be added to',                      { finalizers: ['a'] },                      { finalizers: ['b', 'a'] },                                undefined],
  ['a set must hold ours',                       { finalizers: ['a'] },                      { finalizers: ['b'] },                                     'finalizers'],
  ['quantities: 1000m is 1',                     { requests: { cpu: '1000m' } },             { requests: { cpu: '1' } },                                undefined],
  ['quantities: 1024Mi is 1Gi',                  { limits: { memory: '1024Mi' } },           { limits: { memory: '1Gi' } },                             undefined],
  ['quantities: 1G is not 1Gi',                  { limits: { memory: '1G' } },               { limits: { memory: '1Gi' } },                             'limits.memory'],
  ['quantities only where quantities are',       { data: { a: '1000m' } },                   { data: { a: '1' } },                                      'data.a'],
  ['false the server leaves out',                { hostNetwork: false, tty: false },         {},                                                        undefined],
  ['false where absent means true',              { automountServiceAccountToken: false },    {},                                                        'automountServiceAccountToken'],
  ['0 the server leaves out',                    { minReadySeconds: 0 },                     {},                                                        undefined],
  ['0 where absent means 1',                     { replicas: 0 },                            {},                                                        'replicas'],
  ['number and string differ',                   { port: 80 },                               { port: '80' },                                            'port'],
])('%s', (_name, desired, live, expected) => {
  expect(firstDifference(desired, live)).toBe(expected)
})
