"""The private web application: what oversighters and stewards see."""
