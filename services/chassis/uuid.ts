/** A UUID as PostgreSQL prints it. Lower case only: ids are compared as text in places. */
export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
