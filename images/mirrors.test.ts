import { expect, test } from 'vitest'
import { debianMirrors } from './mirrors.ts'

const trixie = [
  'deb http://mirror.example/debian trixie main',
  'deb http://mirror.example/debian trixie-updates main',
  'deb http://mirror.example/debian-security trixie-security main',
]

test.each([
  [
    'a .sources file',
    'Types: deb\n# URIs: http://old.example/debian\nURIs: http://mirror.example/debian/\nSuites: bookworm\n\nURIs: http://mirror.example/debian-security\n',
    trixie,
  ],
  [
    'a .list file',
    'deb [arch=amd64] http://mirror.example/debian bookworm main\ndeb http://mirror.example/debian-security bookworm-security main\n',
    trixie,
  ],
  ['another distribution', 'deb http://archive.example/ubuntu noble main\n', []],
  ['no security archive named', 'deb http://mirror.example/debian bookworm main\n', []],
  ['nothing', '', []],
])('%s', (_name, sources, expected) => expect(debianMirrors(sources)).toEqual(expected))
