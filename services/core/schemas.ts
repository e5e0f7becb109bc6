import Type from 'typebox'
import type { Static } from 'typebox'
import { pageOf, pageQuery } from '../chassis/pagination.ts'
import { closed, id, instant, nullable, prose, stringEnum, text } from '../chassis/schemas.ts'

/** What clients of the core service send and get. A field that is not here is refused in a body and cut from an answer. */

const skillCategories = ['technical', 'soft', 'language', 'tool', 'framework'] as const
const companySizes = ['startup', 'small', 'medium', 'large', 'enterprise'] as const
const employmentTypes = ['full-time', 'part-time', 'contract', 'temporary', 'internship'] as const
export const seniorityLevels = ['entry', 'junior', 'mid', 'senior', 'lead', 'executive'] as const
const jobStatuses = ['draft', 'active', 'paused', 'filled', 'expired', 'cancelled'] as const
const remotePolicies = ['no', 'partial', 'full', 'flexible'] as const
const requirementTypes = ['required', 'preferred', 'nice_to_have'] as const
const salaryPeriods = ['yearly', 'monthly', 'hourly'] as const
const visibilities = ['public', 'limited', 'private'] as const
const availabilities = ['open', 'passive', 'not_looking', 'hired'] as const
const verificationStatuses = ['self_declared', 'assessed', 'certified', 'verified'] as const
const languages = ['eng', 'fra'] as const

/** Of a job or a candidate: matching reads them all. */
export const maxSkills = 200

const skillId = id('Id of a skill.')
const companyId = id('Id of a company.')
const jobId = id('Id of a job.')
const candidateId = id('Id of a candidate profile (not of the user).')
const level = (description: string) => Type.Integer({ minimum: 1, maximum: 5, description })
/** As NUMERIC(3,1) holds it. */
const years = (description: string) => Type.Number({ minimum: 0, maximum: 99.9, multipleOf: 0.1, description })
/** As NUMERIC(12,2) holds it. */
const money = (description: string) => Type.Number({ minimum: 0, maximum: 9_999_999_999, description })
const wholeYears = (description: string) => Type.Integer({ minimum: 0, maximum: 80, description })
const currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217.' })
/** From the year 1000 on: PostgreSQL has no year 0. */
const day = { format: 'date', pattern: '^[12]' } as const
const link = Type.String({ format: 'uri', pattern: '^https?://', maxLength: 2_000 })
const changed = { createdAt: instant('When it was made.'), updatedAt: instant('When it last changed.') }

// Skills

export const SkillQuery = Type.Object(
  {
    q: Type.Optional(text(100, { description: 'Part of a name or alias, in any case. Without it: by popularity.' })),
    category: Type.Optional(stringEnum(skillCategories)),
    ...pageQuery,
  },
  closed,
)
export type SkillQuery = Static<typeof SkillQuery>
export const SkillParams = Type.Object({ skillId }, closed)
export const Skill = Type.Object({
  skillId,
  name: Type.String(),
  category: stringEnum(skillCategories),
  aliases: Type.Array(Type.String()),
  parentSkillId: nullable(skillId),
  escoUri: nullable(Type.String({ description: 'Address in ESCO; null for a skill of our own.' })),
  maxLevel: level('Highest level of this skill.'),
})
export type Skill = Static<typeof Skill>
export const SkillPage = pageOf(Skill)

const month = (description: string) =>
  Type.String({ pattern: '^[12][0-9]{3}-(0[1-9]|1[0-2])$', description: `${description} Year and month: 2026-11.` })
export const SkillDemandQuery = Type.Object(
  {
    region: text(100, {
      description:
        'Country of the work as postings write it, such as FR; or remote, onsite or hybrid, for postings that name no country.',
    }),
    month: Type.Optional(month('Only postings of this month.')),
    skillId: Type.Optional(id('Only this skill: how its demand changes.')),
    ...pageQuery,
  },
  closed,
)
export type SkillDemandQuery = Static<typeof SkillDemandQuery>
export const SkillDemand = Type.Object({
  skillId,
  name: Type.String(),
  category: stringEnum(skillCategories),
  month: month('When they were posted, in UTC.'),
  postings: Type.Integer({
    minimum: 11,
    description:
      'Postings that ask for the skill, renewed hourly. Fewer than 11 are not told, lest they show an employer.',
  }),
})
export type SkillDemand = Static<typeof SkillDemand>
export const SkillDemandPage = pageOf(SkillDemand)

// Companies

const companyFields = {
  legalName: Type.Optional(nullable(text(200))),
  industry: Type.Optional(nullable(text(100))),
  companySize: Type.Optional(nullable(stringEnum(companySizes))),
  foundedYear: Type.Optional(nullable(Type.Integer({ minimum: 1000, maximum: 2100 }))),
  websiteUrl: Type.Optional(nullable(link)),
  description: Type.Optional(nullable(prose(10_000))),
  contentLanguage: Type.Optional(stringEnum(languages, { description: 'Language of the description.' })),
}
export const CompanyCreate = Type.Object({ name: text(200), ...companyFields }, closed)
export type CompanyCreate = Static<typeof CompanyCreate>
export const CompanyPatch = Type.Object(
  { name: Type.Optional(text(200)), ...companyFields },
  { ...closed, minProperties: 1 },
)
export type CompanyPatch = Static<typeof CompanyPatch>
export const CompanyParams = Type.Object({ companyId }, closed)
export const CompanyQuery = Type.Object(
  { industry: Type.Optional(text(100)), companySize: Type.Optional(stringEnum(companySizes)), ...pageQuery },
  closed,
)
export type CompanyQuery = Static<typeof CompanyQuery>
export const Company = Type.Object({
  companyId,
  name: Type.String(),
  legalName: nullable(Type.String()),
  industry: nullable(Type.String()),
  companySize: nullable(stringEnum(companySizes)),
  foundedYear: nullable(Type.Integer()),
  websiteUrl: nullable(Type.String()),
  description: nullable(Type.String()),
  contentLanguage: stringEnum(languages),
  isVerified: Type.Boolean(),
  ...changed,
})
export type Company = Static<typeof Company>
export const CompanyPage = pageOf(Company)

// Jobs

const texts = Type.Array(prose(1_000), { maxItems: 50 })
const WorkLocation = Type.Object(
  {
    type: stringEnum(['remote', 'onsite', 'hybrid']),
    locations: Type.Optional(
      Type.Array(Type.Object({ city: text(200), countryCode: Type.String({ pattern: '^[A-Z]{2}$' }) }, closed), {
        maxItems: 20,
      }),
    ),
  },
  {
    ...closed,
    description:
      'Where the work is done. `type` decides remotePolicy: remote full, onsite no, hybrid partial or flexible.',
  },
)
const RequiredSkillInput = Type.Object(
  {
    skillId,
    requirementType: stringEnum(requirementTypes, { default: 'required' }),
    minimumLevel: Type.Integer({ minimum: 1, maximum: 5, default: 1 }),
    minimumYears: Type.Number({ minimum: 0, maximum: 99.9, multipleOf: 0.1, default: 0 }),
    weight: Type.Number({
      minimum: 0,
      maximum: 1,
      multipleOf: 0.01,
      default: 1,
      description: 'Importance among its kind.',
    }),
  },
  closed,
)
export type RequiredSkillInput = Static<typeof RequiredSkillInput>
const requiredSkills = Type.Array(RequiredSkillInput, {
  maxItems: maxSkills,
  description: 'The whole set; each skill once.',
})

const jobFields = {
  department: Type.Optional(nullable(text(100))),
  seniorityLevel: Type.Optional(nullable(stringEnum(seniorityLevels))),
  experienceRequiredMin: Type.Optional(wholeYears('Years asked for at least.')),
  experienceRequiredMax: Type.Optional(nullable(wholeYears('Years asked for at most; not less than the minimum.'))),
  responsibilities: Type.Optional(nullable(texts)),
  requirements: Type.Optional(nullable(texts)),
  niceToHave: Type.Optional(nullable(texts)),
  benefits: Type.Optional(nullable(texts)),
  salaryMin: Type.Optional(nullable(money('At least.'))),
  salaryMax: Type.Optional(nullable(money('At most; not less than the minimum.'))),
  salaryCurrency: Type.Optional(currency),
  salaryPeriod: Type.Optional(stringEnum(salaryPeriods)),
  remotePolicy: Type.Optional(stringEnum(remotePolicies)),
  status: Type.Optional(stringEnum(jobStatuses)),
  // From 2000 to 2999: in UTC too a date that JavaScript and PostgreSQL write alike.
  expiresAt: Type.Optional(
    nullable(
      Type.String({
        format: 'date-time',
        pattern: '^2',
        description: 'From then on it is in no match; from 2000 to 2999.',
      }),
    ),
  ),
  contentLanguage: Type.Optional(stringEnum(languages)),
}
const jobCore = {
  title: text(200),
  employmentType: stringEnum(employmentTypes),
  description: prose(20_000),
  workLocation: WorkLocation,
}
export const JobCreate = Type.Object(
  { companyId, ...jobCore, ...jobFields, requiredSkills: Type.Optional(requiredSkills) },
  closed,
)
export type JobCreate = Static<typeof JobCreate>
export const JobPatch = Type.Object(
  { ...Type.Partial(Type.Object(jobCore)).properties, ...jobFields, requiredSkills: Type.Optional(requiredSkills) },
  { ...closed, minProperties: 1 },
)
export type JobPatch = Static<typeof JobPatch>
export const JobParams = Type.Object({ jobId }, closed)
export const JobQuery = Type.Object(
  {
    companyId: Type.Optional(companyId),
    skillId: Type.Optional(id('Only jobs that ask for this skill.')),
    status: Type.Optional(stringEnum(jobStatuses)),
    employmentType: Type.Optional(stringEnum(employmentTypes)),
    seniorityLevel: Type.Optional(stringEnum(seniorityLevels)),
    remotePolicy: Type.Optional(stringEnum(remotePolicies)),
    ...pageQuery,
  },
  closed,
)
export type JobQuery = Static<typeof JobQuery>
const jobSummary = {
  jobId,
  companyId,
  company: Type.String({ description: "The company's name." }),
  title: Type.String(),
  employmentType: stringEnum(employmentTypes),
  seniorityLevel: nullable(stringEnum(seniorityLevels)),
  experienceRequiredMin: Type.Integer(),
  experienceRequiredMax: nullable(Type.Integer()),
  salaryMin: nullable(Type.Number()),
  salaryMax: nullable(Type.Number()),
  salaryCurrency: Type.String(),
  salaryPeriod: stringEnum(salaryPeriods),
  workLocation: Type.Object({ type: Type.String() }, { additionalProperties: true }),
  remotePolicy: stringEnum(remotePolicies),
  status: stringEnum(jobStatuses),
  slug: Type.String(),
  expiresAt: nullable(instant('From then on it is in no match.')),
  ...changed,
}
export const JobSummary = Type.Object(jobSummary)
export type JobSummary = Static<typeof JobSummary>
export const Job = Type.Object({
  ...jobSummary,
  recruiterId: nullable(id('User id of the recruiter.')),
  department: nullable(Type.String()),
  description: Type.String(),
  responsibilities: nullable(Type.Array(Type.String())),
  requirements: nullable(Type.Array(Type.String())),
  niceToHave: nullable(Type.Array(Type.String())),
  benefits: nullable(Type.Array(Type.String())),
  contentLanguage: stringEnum(languages),
  requiredSkills: Type.Array(
    Type.Object({
      skillId,
      name: Type.String(),
      requirementType: stringEnum(requirementTypes),
      minimumLevel: Type.Integer(),
      minimumYears: Type.Number(),
      weight: Type.Number(),
    }),
  ),
})
export type Job = Static<typeof Job>
export const JobPage = pageOf(JobSummary)

// Candidates

const candidateFields = {
  firstName: Type.Optional(nullable(text(100))),
  lastName: Type.Optional(nullable(text(100))),
  currentTitle: Type.Optional(nullable(text(200))),
  experienceYears: Type.Optional(wholeYears('Years of work altogether.')),
  availabilityStatus: Type.Optional(stringEnum(availabilities)),
  expectedSalaryMin: Type.Optional(nullable(money('At least.'))),
  expectedSalaryMax: Type.Optional(nullable(money('Not less than the minimum.'))),
  currency: Type.Optional(currency),
  expectedSalaryPeriod: Type.Optional(stringEnum(salaryPeriods)),
  shareExpectedSalary: Type.Optional(
    Type.Boolean({ description: 'Recruiters who see the profile see the salary too.' }),
  ),
  profileVisibility: Type.Optional(
    stringEnum(visibilities, {
      description:
        'limited (default): recruiters see title, years and skills; public: the name too; private: nothing before an application.',
    }),
  ),
  contentLanguage: Type.Optional(stringEnum(languages)),
}
export const CandidateCreate = Type.Object(candidateFields, closed)
export type CandidateCreate = Static<typeof CandidateCreate>
export const CandidatePatch = Type.Object(candidateFields, { ...closed, minProperties: 1 })
export type CandidatePatch = Static<typeof CandidatePatch>
export const CandidateParams = Type.Object({ candidateId }, closed)
export const CandidateQuery = Type.Object(pageQuery, closed)
export type CandidateQuery = Static<typeof CandidateQuery>
/** Fields the caller may not see are absent. */
export const Candidate = Type.Object({
  candidateId,
  userId: Type.Optional(id('The person: only for that person and administrators.')),
  access: stringEnum(['self', 'admin', 'card', 'profile', 'applied'], {
    description: 'How much the caller sees, and why.',
  }),
  currentTitle: nullable(Type.String()),
  experienceYears: Type.Integer(),
  firstName: Type.Optional(nullable(Type.String())),
  lastName: Type.Optional(nullable(Type.String())),
  email: Type.Optional(Type.String()),
  availabilityStatus: Type.Optional(stringEnum(availabilities)),
  expectedSalaryMin: Type.Optional(nullable(Type.Number())),
  expectedSalaryMax: Type.Optional(nullable(Type.Number())),
  currency: Type.Optional(Type.String()),
  expectedSalaryPeriod: Type.Optional(stringEnum(salaryPeriods)),
  shareExpectedSalary: Type.Optional(Type.Boolean()),
  profileCompleteness: Type.Optional(Type.Integer({ description: '0 to 100.' })),
  profileVisibility: Type.Optional(stringEnum(visibilities)),
  contentLanguage: Type.Optional(stringEnum(languages)),
  createdAt: Type.Optional(instant('When the profile was made.')),
  updatedAt: Type.Optional(instant('When it last changed.')),
})
export type Candidate = Static<typeof Candidate>
export const CandidatePage = pageOf(Candidate)

// Skills of a candidate

export const CandidateSkillParams = Type.Object({ candidateId, skillId }, closed)
export const CandidateSkillPut = Type.Object(
  {
    level: level('1 beginner to 5 expert.'),
    years: Type.Number({ minimum: 0, maximum: 99.9, multipleOf: 0.1, default: 0 }),
    isPrimary: Type.Boolean({ default: false }),
    lastUsedDate: Type.Optional(nullable(Type.String(day))),
  },
  closed,
)
export type CandidateSkillPut = Static<typeof CandidateSkillPut>
export const CandidateSkillPatch = Type.Object(
  {
    level: Type.Optional(level('1 beginner to 5 expert.')),
    years: Type.Optional(years('Years of using it.')),
    isPrimary: Type.Optional(Type.Boolean()),
    lastUsedDate: Type.Optional(nullable(Type.String(day))),
  },
  { ...closed, minProperties: 1 },
)
export type CandidateSkillPatch = Static<typeof CandidateSkillPatch>
export const CandidateSkill = Type.Object({
  skillId,
  name: Type.String(),
  category: stringEnum(skillCategories),
  level: Type.Integer(),
  years: Type.Number(),
  isPrimary: Type.Boolean(),
  lastUsedDate: Type.Optional(
    nullable(Type.String({ format: 'date', description: 'Only for the person and administrators.' })),
  ),
  verificationStatus: stringEnum(verificationStatuses),
})
export type CandidateSkill = Static<typeof CandidateSkill>
export const CandidateSkillPage = pageOf(CandidateSkill)

// Matches

export const MatchQuery = Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }) }, closed)
export const Match = Type.Object({
  jobId,
  title: Type.String(),
  company: Type.String(),
  score: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'How well the job fits; see the reference page on matching.',
  }),
  reasons: Type.Array(Type.String({ description: 'A sentence computed from facts.' })),
})
export type Match = Static<typeof Match>
export const MatchList = Type.Object({ items: Type.Array(Match) })
