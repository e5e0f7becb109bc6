-- Postings, partitioned by month of creation. A key of a partitioned table must hold the partition column, so job_id and slug are
-- unique in the registry job_posting_keys, and everything that belongs to a job references that (D-042, D-084 to D-089).

CREATE TABLE job_posting_keys (
  job_id UUID PRIMARY KEY,
  created_at TIMESTAMPTZ NOT NULL,
  slug VARCHAR(300) NOT NULL UNIQUE
);

CREATE TABLE job_postings (
  job_id UUID NOT NULL DEFAULT gen_random_uuid(),
  company_id UUID NOT NULL REFERENCES companies (company_id),
  recruiter_id UUID REFERENCES users (user_id) ON DELETE SET NULL,
  title VARCHAR(200) NOT NULL,
  department VARCHAR(100),
  employment_type VARCHAR(50) NOT NULL CHECK (
    employment_type IN ('full-time', 'part-time', 'contract', 'temporary', 'internship')
  ),
  seniority_level VARCHAR(20) CHECK (seniority_level IN ('entry', 'junior', 'mid', 'senior', 'lead', 'executive')),
  experience_required_min INTEGER NOT NULL DEFAULT 0 CHECK (experience_required_min >= 0),
  experience_required_max INTEGER,

  description TEXT NOT NULL,
  responsibilities TEXT[],
  requirements TEXT[],
  nice_to_have TEXT[],
  benefits TEXT[],
  content_language VARCHAR(3) NOT NULL DEFAULT 'eng' CHECK (content_language IN ('eng', 'fra')),

  salary_min NUMERIC(12,2) CHECK (salary_min >= 0),
  salary_max NUMERIC(12,2) CHECK (salary_max >= 0),
  salary_currency VARCHAR(3) NOT NULL DEFAULT 'EUR' CHECK (salary_currency ~ '^[A-Z]{3}$'),
  salary_period VARCHAR(20) NOT NULL DEFAULT 'yearly' CHECK (salary_period IN ('yearly', 'monthly', 'hourly')),
  weekly_hours NUMERIC(4,1) CHECK (weekly_hours BETWEEN 1 AND 80), -- for yearly_salary()
  equity_offered BOOLEAN NOT NULL DEFAULT FALSE,
  bonus_structure TEXT,

  work_location JSONB NOT NULL CHECK (
    work_location ? 'type' AND COALESCE(work_location ->> 'type', '') IN ('remote', 'onsite', 'hybrid')
  ), -- {type, locations: [...]}
  remote_policy VARCHAR(20) NOT NULL DEFAULT 'no' CHECK (
    remote_policy IN ('no', 'partial', 'full', 'flexible')
  ), -- derived from work_location.type

  status VARCHAR(20) NOT NULL DEFAULT 'active' CHECK (
    status IN ('draft', 'active', 'paused', 'filled', 'expired', 'cancelled')
  ),
  posted_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- The instant the deadline ends in the zone of the job's primary location; alone decides expiry (D-036).
  expires_at TIMESTAMPTZ,
  filled_at TIMESTAMPTZ, -- derived
  closed_at TIMESTAMPTZ, -- derived: since when filled, expired or cancelled; retention counts from here (D-095)
  application_deadline DATE,

  application_url TEXT,
  application_email VARCHAR(255),
  application_instructions TEXT,

  slug VARCHAR(300) NOT NULL, -- by default made by generate_job_slug()
  search_vector TSVECTOR,

  view_count INTEGER NOT NULL DEFAULT 0 CHECK (view_count >= 0),
  application_count INTEGER NOT NULL DEFAULT 0 CHECK (application_count >= 0),

  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (job_id, created_at),
  CHECK (salary_min <= salary_max),
  CHECK (experience_required_min <= experience_required_max)
) PARTITION BY RANGE (created_at);

CREATE INDEX idx_job_postings_company ON job_postings (company_id);
CREATE INDEX idx_job_postings_recruiter ON job_postings (recruiter_id);
CREATE INDEX idx_job_postings_status ON job_postings (status);
CREATE INDEX idx_job_postings_location ON job_postings USING gin (work_location);
CREATE INDEX idx_job_postings_salary ON job_postings (salary_min, salary_max);
CREATE INDEX idx_job_postings_posted ON job_postings (posted_at DESC);
CREATE INDEX idx_job_postings_search ON job_postings USING gin (search_vector);
CREATE INDEX idx_job_postings_seniority ON job_postings (seniority_level);
CREATE INDEX idx_job_postings_employment ON job_postings (employment_type);
CREATE INDEX idx_job_postings_created ON job_postings (created_at DESC, job_id DESC);
CREATE INDEX idx_job_postings_expiry ON job_postings (expires_at) WHERE status IN ('active', 'paused');
CREATE INDEX idx_job_postings_closed ON job_postings (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE job_required_skills (
  job_skill_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  job_id UUID NOT NULL REFERENCES job_posting_keys (job_id) ON DELETE CASCADE,
  skill_id UUID NOT NULL REFERENCES skills_taxonomy (skill_id),
  requirement_type VARCHAR(20) NOT NULL CHECK (requirement_type IN ('required', 'preferred', 'nice_to_have')),
  minimum_level INTEGER NOT NULL DEFAULT 1 CHECK (minimum_level BETWEEN 1 AND 5),
  minimum_years DECIMAL(3,1) NOT NULL DEFAULT 0.0 CHECK (minimum_years >= 0),
  weight DECIMAL(3,2) NOT NULL DEFAULT 1.0 CHECK (weight BETWEEN 0 AND 1),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT job_required_skills_unique UNIQUE (job_id, skill_id)
);
-- With all that matching reads of a requirement, so that it reads the index alone.
CREATE INDEX idx_job_required_skills_job ON job_required_skills (job_id)
  INCLUDE (skill_id, requirement_type, minimum_level, minimum_years, weight);
CREATE INDEX idx_job_required_skills_skill ON job_required_skills (skill_id)
  INCLUDE (job_id, requirement_type, minimum_level, minimum_years, weight);
CREATE INDEX idx_job_required_skills_type ON job_required_skills (requirement_type);

-- What a job's requirements weigh together, derived from job_required_skills: matching reads the shared skills of a job only, and
-- this for the rest.
CREATE TABLE job_skill_weights (
  job_id UUID PRIMARY KEY REFERENCES job_posting_keys (job_id) ON DELETE CASCADE,
  required_weight NUMERIC(9,2) NOT NULL DEFAULT 0, -- of requirement_type 'required'
  optional_weight NUMERIC(9,2) NOT NULL DEFAULT 0, -- of the others
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Places of a job; location_id is a location of the geolocation store (D-037).
CREATE TABLE job_locations (
  job_id UUID NOT NULL REFERENCES job_posting_keys (job_id) ON DELETE CASCADE,
  location_id UUID NOT NULL,
  is_primary BOOLEAN NOT NULL DEFAULT FALSE,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (job_id, location_id)
);
CREATE INDEX idx_job_locations_location ON job_locations (location_id);
CREATE UNIQUE INDEX idx_job_locations_primary ON job_locations (job_id) WHERE is_primary;

ALTER TABLE job_postings ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_postings FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON job_postings FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE job_required_skills ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_required_skills FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON job_required_skills FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE job_locations ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_locations FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON job_locations FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON job_postings, job_required_skills, job_locations TO matching_definer;
GRANT SELECT, INSERT, DELETE ON job_posting_keys TO matching_definer;
GRANT SELECT, INSERT, UPDATE ON job_skill_weights TO matching_definer;

-- The specification's two months, the next three, and the safety net for everything else (D-088).
CREATE TABLE job_postings_default PARTITION OF job_postings DEFAULT;
ALTER TABLE job_postings_default ENABLE ROW LEVEL SECURITY;
SELECT create_range_partition('job_postings', 'job_postings_y2025m01', '2025-01-01 00:00+00', '2025-02-01 00:00+00');
SELECT create_range_partition('job_postings', 'job_postings_y2025m02', '2025-02-01 00:00+00', '2025-03-01 00:00+00');

-- The month that holds an instant. Imports create the months they need.
CREATE FUNCTION create_job_partition(p_instant timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  v_month timestamptz := date_trunc('month', p_instant);
BEGIN
  RETURN public.create_range_partition('public.job_postings', to_char(v_month, '"job_postings_y"YYYY"m"MM'),
                                       v_month, v_month + interval '1 month');
END
$$;

-- This month and the next two, which hold up nobody: one that has rows already is left to rescue_job_partition().
CREATE FUNCTION create_monthly_partitions() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'
AS $$
BEGIN
  PERFORM public.create_job_partition(ahead)
     FROM generate_series(date_trunc('month', now()), now() + interval '2 months', interval '1 month') AS ahead
    WHERE ahead NOT IN (SELECT month FROM public.missed_months('public.job_postings'));
END
$$;

-- One month that nobody made in time, for all writers wait while its rows move; true if there was one. One with more rows than that is
-- for whoever keeps the database, who is told by require_empty_default_partitions() (000014).
CREATE FUNCTION rescue_job_partition(p_limit integer DEFAULT 10000) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_month timestamptz := (SELECT month FROM public.missed_months('public.job_postings') WHERE rows <= p_limit LIMIT 1);
BEGIN
  RETURN v_month IS NOT NULL AND public.create_job_partition(v_month);
END
$$;
SELECT create_monthly_partitions();
