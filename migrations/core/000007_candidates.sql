-- Profiles and what belongs to them. Columns that hold ciphertext are TEXT and accept nothing but an envelope 'v1.…': the service
-- encrypts them (D-047, D-053), plaintext is refused here.

CREATE TABLE candidate_profiles (
  candidate_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
  first_name VARCHAR(100),
  last_name VARCHAR(100),
  phone TEXT CHECK (phone ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'),
  phone_hash BYTEA, -- HMAC, to find a number without decrypting (D-054)
  date_of_birth TEXT CHECK (date_of_birth ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'),
  nationality TEXT CHECK (nationality ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'), -- ISO 3166-1 alpha-3 inside
  current_title VARCHAR(200),
  experience_years INTEGER NOT NULL DEFAULT 0 CHECK (experience_years >= 0),
  availability_status VARCHAR(20) NOT NULL DEFAULT 'open' CHECK (
    availability_status IN ('open', 'passive', 'not_looking', 'hired')
  ),
  expected_salary_min NUMERIC(12,2) CHECK (expected_salary_min >= 0),
  expected_salary_max NUMERIC(12,2) CHECK (expected_salary_max >= 0),
  currency VARCHAR(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  expected_salary_period VARCHAR(20) NOT NULL DEFAULT 'yearly' CHECK (
    expected_salary_period IN ('yearly', 'monthly', 'hourly')
  ),
  share_expected_salary BOOLEAN NOT NULL DEFAULT FALSE,
  work_authorization TEXT CHECK (work_authorization ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'),
  profile_completeness INTEGER NOT NULL DEFAULT 0 CHECK (profile_completeness BETWEEN 0 AND 100), -- derived
  -- Protected by default: a card without identity until the person chooses otherwise (D-039).
  profile_visibility VARCHAR(20) NOT NULL DEFAULT 'limited' CHECK (profile_visibility IN ('public', 'limited', 'private')),
  content_language VARCHAR(3) NOT NULL DEFAULT 'eng' CHECK (content_language IN ('eng', 'fra')),
  last_activity_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  search_vector TSVECTOR,
  CONSTRAINT candidate_profiles_user_id_unique UNIQUE (user_id),
  CHECK (expected_salary_min <= expected_salary_max)
);
CREATE INDEX idx_candidate_profiles_status ON candidate_profiles (availability_status);
CREATE INDEX idx_candidate_profiles_salary ON candidate_profiles (expected_salary_min, expected_salary_max);
CREATE INDEX idx_candidate_profiles_search ON candidate_profiles USING gin (search_vector);
CREATE INDEX idx_candidate_profiles_phone_hash ON candidate_profiles (phone_hash) WHERE phone_hash IS NOT NULL;
CREATE INDEX idx_candidate_profiles_created ON candidate_profiles (created_at, candidate_id);

CREATE TABLE candidate_skills (
  candidate_skill_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  candidate_id UUID NOT NULL REFERENCES candidate_profiles (candidate_id) ON DELETE CASCADE,
  skill_id UUID NOT NULL REFERENCES skills_taxonomy (skill_id),
  skill_level INTEGER NOT NULL DEFAULT 1 CHECK (skill_level BETWEEN 1 AND 5),
  years_experience DECIMAL(3,1) NOT NULL DEFAULT 0.0 CHECK (years_experience >= 0),
  is_primary BOOLEAN NOT NULL DEFAULT FALSE, -- several primary skills are allowed
  last_used_date DATE,
  proficiency_score DECIMAL(3,2) CHECK (proficiency_score BETWEEN 0 AND 1),
  verification_status VARCHAR(20) NOT NULL DEFAULT 'self_declared' CHECK (
    verification_status IN ('self_declared', 'assessed', 'certified', 'verified')
  ),
  verification_details JSONB,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT candidate_skills_unique UNIQUE (candidate_id, skill_id)
);
CREATE INDEX idx_candidate_skills_candidate ON candidate_skills (candidate_id);
CREATE INDEX idx_candidate_skills_skill ON candidate_skills (skill_id);
CREATE INDEX idx_candidate_skills_level ON candidate_skills (skill_level DESC);
CREATE INDEX idx_candidate_skills_primary ON candidate_skills (candidate_id) WHERE is_primary;

CREATE TABLE work_experiences (
  experience_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  candidate_id UUID NOT NULL REFERENCES candidate_profiles (candidate_id) ON DELETE CASCADE,
  company_name VARCHAR(200) NOT NULL,
  position_title VARCHAR(200) NOT NULL,
  employment_type VARCHAR(50) CHECK (
    employment_type IN ('full-time', 'part-time', 'contract', 'temporary', 'internship')
  ),
  industry VARCHAR(100),
  company_size VARCHAR(20) CHECK (company_size IN ('startup', 'small', 'medium', 'large', 'enterprise')),
  start_date DATE NOT NULL,
  end_date DATE, -- NULL for a current position
  is_current BOOLEAN NOT NULL DEFAULT FALSE,
  location JSONB, -- {city, country, remote}
  description TEXT,
  key_achievements TEXT[],
  skills_used JSONB,
  salary_range TEXT CHECK (salary_range ~ '^v1(\.[A-Za-z0-9+/=_-]+){2}\.[A-Za-z0-9+/=_-]*\.[A-Za-z0-9+/=_-]+$'), -- {min, max, currency} inside
  management_experience BOOLEAN NOT NULL DEFAULT FALSE,
  team_size INTEGER CHECK (team_size >= 0),
  seniority_level VARCHAR(20) CHECK (seniority_level IN ('entry', 'junior', 'mid', 'senior', 'lead', 'executive')),
  promotion_from UUID,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- No CURRENT_DATE here: what a row may hold must not depend on clock and time zone (D-020).
  CHECK (end_date IS NULL OR start_date <= end_date),
  CHECK (NOT (is_current = TRUE AND end_date IS NOT NULL)),
  CONSTRAINT work_experiences_candidate_unique UNIQUE (experience_id, candidate_id),
  -- A promotion stays within one person's history; the column list keeps candidate_id when the former job goes (D-023).
  CONSTRAINT work_experiences_promotion_from_fkey FOREIGN KEY (promotion_from, candidate_id)
    REFERENCES work_experiences (experience_id, candidate_id) ON DELETE SET NULL (promotion_from)
);
CREATE INDEX idx_work_experiences_candidate ON work_experiences (candidate_id);
CREATE INDEX idx_work_experiences_dates ON work_experiences (start_date, end_date);
CREATE INDEX idx_work_experiences_current ON work_experiences (candidate_id, is_current) WHERE is_current = TRUE;
CREATE INDEX idx_work_experiences_company ON work_experiences (company_name);
CREATE INDEX idx_work_experiences_seniority ON work_experiences (seniority_level);
CREATE INDEX idx_work_experiences_promotion ON work_experiences (promotion_from, candidate_id);

CREATE FUNCTION derive_is_current() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NEW.end_date IS NULL THEN
    NEW.is_current := TRUE;
  ELSIF TG_OP = 'UPDATE' AND OLD.end_date IS NULL THEN
    NEW.is_current := FALSE;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER work_experiences_is_current BEFORE INSERT OR UPDATE OF end_date, is_current ON work_experiences
  FOR EACH ROW EXECUTE FUNCTION derive_is_current();

CREATE TABLE education (
  education_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  candidate_id UUID NOT NULL REFERENCES candidate_profiles (candidate_id) ON DELETE CASCADE,
  institution_name VARCHAR(200) NOT NULL,
  degree_type VARCHAR(50) CHECK (degree_type IN ('bachelor', 'master', 'phd', 'certificate', 'diploma')),
  field_of_study VARCHAR(200),
  grade VARCHAR(20), -- GPA, mention, etc.
  start_date DATE,
  end_date DATE,
  is_completed BOOLEAN NOT NULL DEFAULT TRUE,
  location JSONB, -- {city, country}
  description TEXT,
  relevant_coursework TEXT[],
  honors_awards TEXT[],
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CHECK (start_date <= end_date)
);
CREATE INDEX idx_education_candidate ON education (candidate_id);
CREATE INDEX idx_education_institution ON education (institution_name);
CREATE INDEX idx_education_degree ON education (degree_type);
CREATE INDEX idx_education_dates ON education (start_date, end_date);

CREATE TABLE certifications (
  certification_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  candidate_id UUID NOT NULL REFERENCES candidate_profiles (candidate_id) ON DELETE CASCADE,
  certification_name VARCHAR(200) NOT NULL,
  issuing_organization VARCHAR(200) NOT NULL,
  issue_date DATE,
  expiration_date DATE,
  credential_id VARCHAR(100),
  credential_url TEXT,
  verification_status VARCHAR(20) NOT NULL DEFAULT 'unverified' CHECK (
    verification_status IN ('unverified', 'verified', 'expired', 'revoked')
  ),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CHECK (issue_date <= expiration_date)
);
CREATE INDEX idx_certifications_candidate ON certifications (candidate_id);
CREATE INDEX idx_certifications_name ON certifications (certification_name);
CREATE INDEX idx_certifications_org ON certifications (issuing_organization);
CREATE INDEX idx_certifications_expiry ON certifications (expiration_date) WHERE expiration_date IS NOT NULL;

CREATE TABLE candidate_languages (
  language_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  candidate_id UUID NOT NULL REFERENCES candidate_profiles (candidate_id) ON DELETE CASCADE,
  -- ISO 639-3, without the bibliographic codes of 639-2: one code per language, or UNIQUE would mean nothing (D-027).
  language_code VARCHAR(3) NOT NULL CHECK (language_code ~ '^[a-z]{3}$' AND language_code NOT IN (
    'alb', 'arm', 'baq', 'bur', 'chi', 'cze', 'dut', 'fre', 'geo', 'ger', 'gre', 'ice', 'mac', 'mao', 'may', 'per', 'rum',
    'slo', 'tib', 'wel')),
  language_name VARCHAR(50) NOT NULL,
  proficiency_level VARCHAR(20) NOT NULL CHECK (
    proficiency_level IN ('beginner', 'elementary', 'intermediate', 'advanced', 'native')
  ),
  cefr_level VARCHAR(2) CHECK (cefr_level IN ('A1', 'A2', 'B1', 'B2', 'C1', 'C2')),
  is_native BOOLEAN NOT NULL DEFAULT FALSE, -- derived from proficiency_level
  certification_name VARCHAR(100),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT candidate_languages_unique UNIQUE (candidate_id, language_code)
);
CREATE INDEX idx_candidate_languages_candidate ON candidate_languages (candidate_id);
CREATE INDEX idx_candidate_languages_proficiency ON candidate_languages (proficiency_level);

CREATE FUNCTION derive_is_native() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.is_native := NEW.proficiency_level = 'native';
  RETURN NEW;
END
$$;
CREATE TRIGGER candidate_languages_is_native BEFORE INSERT OR UPDATE OF proficiency_level, is_native ON candidate_languages
  FOR EACH ROW EXECUTE FUNCTION derive_is_native();

ALTER TABLE candidate_profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE candidate_profiles FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON candidate_profiles FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE candidate_skills ENABLE ROW LEVEL SECURITY;
ALTER TABLE candidate_skills FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON candidate_skills FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE work_experiences ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_experiences FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON work_experiences FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE education ENABLE ROW LEVEL SECURITY;
ALTER TABLE education FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON education FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE certifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE certifications FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON certifications FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE candidate_languages ENABLE ROW LEVEL SECURITY;
ALTER TABLE candidate_languages FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON candidate_languages FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON
  candidate_profiles, candidate_skills, work_experiences, education, certifications, candidate_languages TO matching_definer;
