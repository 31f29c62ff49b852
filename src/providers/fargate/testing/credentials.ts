/** Local Fargate takes any credentials, but the SDK wants some. */
export function useAnyCredentials(): void {
  process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIATEST';
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret';
}
