import { expect, test } from 'vitest'
import { conf, Variable } from './conf.ts'

test('blocks, lists and variables', () => {
  const text = conf({ port: 1, name: new Variable('NAME'), 'a-b': { list: ['x', { on: true }] } })
  expect(text).toBe('port: 1\nname: $NAME\n"a-b" {\n  list: [\n    "x"\n    {\n      on: true\n    }\n  ]\n}\n')
})

// As nats-server's own parser reads them: see the test of logins in nats.cluster.test.ts.
test.each([
  ['$2a$10$x', '"$2a$10$x"'],
  ['1MB', '"1MB"'],
  ['say "no\\"', '"say \\"no\\\\\\""'],
  ['two\nlines', '"two\\x0alines"'],
])('%j stands as it is', (value, written) => expect(conf({ value })).toBe(`value: ${written}\n`))
