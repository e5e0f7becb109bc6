import type { City } from './cities.ts'
import type { Esco, Occupation } from './esco.ts'
import { seededRandom, stableUuid, type Random } from './random.ts'

/** Everything here is made up, says so in its own text, and is the same on every run. */

const counts = { companies: 200, candidates: 2_000, jobs: 10_000 }
const mark = 'Synthetic demo data.'

export type Seniority = 'entry' | 'junior' | 'mid' | 'senior' | 'lead'
const seniorities: { level: Seniority; years: [number, number] }[] = [
  { level: 'entry', years: [0, 0] },
  { level: 'junior', years: [1, 2] },
  { level: 'mid', years: [3, 5] },
  { level: 'senior', years: [5, 9] },
  { level: 'lead', years: [8, 12] },
]

export interface Person {
  userId: string
  email: string
  role: 'candidate' | 'recruiter' | 'admin'
}

export interface Company {
  id: string
  name: string
  industry: string
  size: string
  city: City
  description: string
  recruiter: Person
}

export interface Candidate {
  id: string
  person: Person
  firstName: string
  lastName: string
  title: string
  years: number
  skills: { skillId: string; level: number; years: number; primary: boolean }[]
}

export interface Job {
  id: string
  company: Company
  title: string
  description: string
  seniority: Seniority
  years: number
  city: City
  remote: 'onsite' | 'hybrid' | 'remote'
  salary: number
  /** Days before the load. */
  postedDaysAgo: number
  skills: { skillId: string; requirement: 'required' | 'preferred'; level: number; years: number; weight: number }[]
}

export interface Synthetic {
  admin: Person
  companies: Company[]
  candidates: Candidate[]
  jobs: Job[]
}

export const demoPerson = (role: Person['role'], number: number): Person => ({
  userId: stableUuid('demo', role, String(number)),
  email: `${role}${number}@synthetic.invalid`,
  role,
})

export const demoCandidateId = (number: number) => stableUuid('demo', 'profile', String(number))

/** Companies, candidates and jobs out of real occupations and real cities. Pure: the same input gives the same people. */
export function synthesize(esco: Esco, cities: City[]): Synthetic {
  const random = seededRandom(20_26)
  const places = cities.filter((city) => europe.has(city.country) && city.population >= 150_000)
  const occupations = esco.occupations.filter((occupation) => occupation.essential.length >= 5)
  const companies = range(counts.companies).map((number) => company(number, random, places, occupations))
  return {
    admin: demoPerson('admin', 1),
    companies,
    candidates: range(counts.candidates).map((number) => candidate(number, random, occupations)),
    jobs: range(counts.jobs).map((number) => job(number, random, companies, places, occupations)),
  }
}

const europe = new Set(
  'AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LT LU LV MT NL NO PL PT RO SE SI SK'.split(' '),
)
const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

function company(number: number, random: Random, places: City[], occupations: Occupation[]): Company {
  const city = random.pick(places)
  return {
    id: stableUuid('demo', 'company', String(number)),
    name: `${city.name} Synthetic Works ${number}`,
    industry: random.pick(occupations).label.slice(0, 100),
    size: random.pick(['startup', 'small', 'medium', 'large', 'enterprise']),
    city,
    description: `${mark} A company that does not exist, in ${city.name} (${city.country}).`,
    recruiter: demoPerson('recruiter', number),
  }
}

/** The first candidate is a software developer, so that the demo's output means something to who runs it. */
function candidate(number: number, random: Random, occupations: Occupation[]): Candidate {
  const developer = occupations.find((occupation) => occupation.label === 'software developer')
  const occupation = number === 1 && developer ? developer : random.pick(occupations)
  const { level: seniority, years: span } = number === 1 ? seniorities[2]! : random.pick(seniorities)
  const years = random.integer(...span)
  const share = random.integer(60, 95) / 100
  const essential = random.sample(occupation.essential, Math.ceil(occupation.essential.length * share))
  const optional = random.sample(occupation.optional, random.integer(2, 6))
  const skills = [...essential, ...optional].map((skillId, index) => ({
    skillId,
    level: Math.min(5, Math.max(1, Math.round(years / 2) + random.integer(1, 2))),
    years: Math.max(0, years - random.integer(0, 3)),
    primary: index < 3,
  }))
  return {
    id: demoCandidateId(number),
    person: demoPerson('candidate', number),
    firstName: 'Synthetic',
    lastName: `Candidate ${number}`,
    title: title(seniority, occupation),
    years,
    skills,
  }
}

function job(number: number, random: Random, companies: Company[], places: City[], occupations: Occupation[]): Job {
  // One job in fifty is a developer's, as the first candidate is: the demo should have something to rank.
  const developers = occupations.filter((occupation) => occupation.isco08.startsWith('251'))
  const occupation = number % 50 === 0 ? random.pick(developers) : random.pick(occupations)
  const { level: seniority, years: span } = random.pick(seniorities)
  const years = random.integer(...span)
  const owner = random.pick(companies)
  const floor = Math.min(4, 1 + Math.round(years / 3))
  const required = occupation.essential.map((skillId) => ({
    skillId,
    requirement: 'required' as const,
    level: Math.max(1, floor - random.integer(0, 1)),
    years: Math.max(0, years - random.integer(0, 2)),
    weight: random.integer(5, 10) / 10,
  }))
  const preferred = random.sample(occupation.optional, 5).map((skillId) => ({
    skillId,
    requirement: 'preferred' as const,
    level: Math.max(1, floor - 1),
    years: 0,
    weight: random.integer(1, 5) / 10,
  }))
  return {
    id: stableUuid('demo', 'job', String(number)),
    company: owner,
    title: title(seniority, occupation),
    description: `${mark} ${title(seniority, occupation)} at ${owner.name}.`,
    seniority,
    years,
    city: random.integer(1, 3) === 1 ? random.pick(places) : owner.city,
    remote: random.pick(['onsite', 'hybrid', 'remote']),
    salary: 28_000 + years * 4_500 + random.integer(0, 8) * 1_000,
    postedDaysAgo: random.integer(0, 30),
    skills: [...required, ...preferred],
  }
}

const title = (seniority: Seniority, { label }: Occupation) =>
  seniority === 'mid' ? capital(label) : `${capital(seniority)} ${label}`.slice(0, 200)
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
