declare module '@land?url' {
  const address: string;
  export default address;
}
