// Swagger UI on our own description. It sends requests with the cookie of the pages, or with a token that is entered.
window.SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: 'none', defaultModelsExpandDepth: 0,
  docExpansion: 'list', tryItOutEnabled: true, persistAuthorization: false,
});
