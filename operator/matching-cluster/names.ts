/** The only place that builds names of a MatchingCluster's objects. */
export const names = {
  dataStore: (cluster: string, store: string) => `${cluster}-${store}`,
  service: (cluster: string, service: string) => `${cluster}-${service}-api`,
  pooler: (cluster: string) => `${cluster}-pooler`,
  poolerTlsSecret: (cluster: string) => `${cluster}-pooler-tls`,
  /** As `issuedSecret` of a store. */
  poolerIssuedSecret: (cluster: string) => `${cluster}-pooler-issued`,
  caSecret: (cluster: string) => `${cluster}-ca`,
  tokensSecret: (cluster: string) => `${cluster}-tokens`,
}
